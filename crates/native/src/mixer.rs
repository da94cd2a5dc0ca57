//! Quotas of Istio's Mixer: the adapters `memquota` and `redisquota`, with the instances, rules and QuotaSpecs that
//! wired them.
//!
//! Mixer left Istio with 1.8, and nothing enforces them any more. It kept a counter for every combination of an
//! instance's dimensions, of one size for all but those that an override names
//! (`mixer/adapter/memquota` of Istio 1.4).

mod attribute;

use serde_json::{Map, Value, json};

use crate::expression::Expression;
use crate::limit::action::both;
use crate::limit::condition::{Condition, has_unknown};
use crate::limit::entry::part;
use crate::limit::{Limits, is_countable};
use crate::node::Node;
use crate::proto;
use crate::snippet::elements;
use attribute::Dimension;

/// What was found of Mixer's objects.
#[derive(Debug, Default)]
pub(crate) struct Mixer<'a> {
    handlers: Vec<Node<'a>>,
    instances: Vec<(&'a str, Node<'a>)>,
    rules: Vec<Rule<'a>>,
    specs: Vec<Quota<'a>>,
    bindings: usize,
}

/// What a `rule` says.
#[derive(Debug)]
struct Rule<'a> {
    node: Node<'a>,
    matched: Option<Node<'a>>,
    instances: Vec<&'a str>,
}

/// What a QuotaSpec says of one quota.
#[derive(Debug)]
struct Quota<'a> {
    node: Node<'a>,
    name: &'a str,
    charge: u64,
    matched: Option<Node<'a>>,
}

const ADAPTERS: [&str; 2] = ["memquota", "redisquota"];

impl<'a> Mixer<'a> {
    /// Whether an object is a handler of quotas, without which the others limit nothing.
    pub(crate) fn is_handler(node: &Node<'_>) -> bool {
        let compiled = node
            .field("spec")
            .map(|spec| spec.text_of("compiledAdapter"));
        is_of_mixer(node)
            && match node.text_of("kind") {
                "handler" => compiled.is_some_and(|adapter| ADAPTERS.contains(&adapter)),
                kind => ADAPTERS.contains(&kind),
            }
    }

    /// Whether an object is of these, and is read.
    pub(crate) fn take(&mut self, node: &Node<'a>) -> bool {
        let kind = node.text_of("kind");
        let Some(spec) = node.field("spec").filter(|_| is_of_mixer(node)) else {
            return false;
        };
        let compiled = |field: &str| spec.text_of(field);
        match kind {
            "handler" if ADAPTERS.contains(&compiled("compiledAdapter")) => {
                self.object(node, |mixer, spec| {
                    let mut message = spec.message();
                    message.take("compiledAdapter");
                    mixer.handlers.extend(message.take("params"));
                    message.end();
                });
            }
            "memquota" | "redisquota" => {
                self.object(node, |mixer, spec| mixer.handlers.push(spec.clone()));
            }
            "instance" if compiled("compiledTemplate") == "quota" => {
                let name = name(node);
                self.object(node, |mixer, spec| {
                    let mut message = spec.message();
                    message.take("compiledTemplate");
                    mixer
                        .instances
                        .extend(message.take("params").map(|it| (name, it)));
                    message.end();
                });
            }
            "quota" => {
                let name = name(node);
                self.object(node, |mixer, spec| {
                    mixer.instances.push((name, spec.clone()))
                });
            }
            "rule" => self.object(node, Self::rule),
            "QuotaSpec" => self.object(node, Self::spec),
            "QuotaSpecBinding" => self.object(node, Self::binding),
            _ => return false,
        }
        true
    }

    fn object(&mut self, node: &Node<'a>, read: impl FnOnce(&mut Self, &Node<'a>)) {
        let mut message = node.message();
        for field in ["apiVersion", "kind", "metadata", "status"] {
            message.take(field);
        }
        if let Some(spec) = message.take("spec") {
            read(self, &spec);
        }
        message.end();
    }

    fn rule(&mut self, spec: &Node<'a>) {
        let mut message = spec.message();
        let matched = message.take("match");
        let mut instances = Vec::new();
        for action in elements(message.take("actions")) {
            let mut action = action.message();
            action.take("handler");
            for instance in elements(action.take("instances")) {
                instances.push(first(instance.text()));
            }
            action.end();
        }
        message.end();
        self.rules.push(Rule {
            node: spec.clone(),
            matched,
            instances,
        });
    }

    fn spec(&mut self, spec: &Node<'a>) {
        let mut message = spec.message();
        for rule in elements(message.take("rules")) {
            let mut rule = rule.message();
            let matched = rule.take("match");
            for quota in elements(rule.take("quotas")) {
                let node = quota.clone();
                let mut quota = quota.message();
                let name = quota.take("quota").map(|it| it.text());
                let charge = quota.take("charge").map_or(1, |it| it.whole());
                quota.end();
                self.specs.push(Quota {
                    node,
                    name: first(name.unwrap_or_default()),
                    charge,
                    matched: matched.clone(),
                });
            }
            rule.end();
        }
        message.end();
    }

    fn binding(&mut self, spec: &Node<'a>) {
        self.bindings = self.bindings.saturating_add(1);
        let mut message = spec.message();
        message.lose("quotaSpecs", "every QuotaSpec among the files counts");
        message.lose(
            "services",
            "a configuration is for whatever proxy loads it; load it for these services",
        );
        message.end();
    }

    /// Reads the limits of the handlers.
    pub(crate) fn limits(&self, limits: &mut Limits) {
        let mut names = Vec::new();
        for handler in &self.handlers {
            handler.lost(
                "Mixer is no part of Istio since 1.8, and nothing enforces this quota",
                "the limit counts in each proxy by itself, where Mixer counted for all together: with several more pass in all. For one count use `global`",
            );
            let mut message = handler.message();
            for quota in elements(message.take("quotas")) {
                names.push(first(quota.text_of("name")));
                self.quota(&quota, limits);
            }
            message.lose("minDeduplicationDuration", "every request is counted, once");
            for field in ["redisServerUrl", "connectionPoolSize"] {
                message.lose(
                    field,
                    "no limit of ours asks a Redis; for one count of many proxies use `global`",
                );
            }
            message.end();
        }
        let others = self
            .rules
            .iter()
            .filter(|it| !it.instances.iter().any(|name| names.contains(name)));
        let instances = self
            .instances
            .iter()
            .filter(|(name, _)| !names.contains(name));
        let specs = self.specs.iter().filter(|it| !names.contains(&it.name));
        let others = others
            .map(|it| &it.node)
            .chain(instances.map(|(_, node)| node));
        for node in others.chain(specs.map(|it| &it.node)) {
            node.lost(
                "this is for none of the quotas among the files",
                "nothing is converted of it, and nothing enforces it",
            );
        }
    }

    fn quota(&self, node: &Node<'a>, limits: &mut Limits) {
        let mut message = node.message();
        let full = message.take("name").map(|it| it.text()).unwrap_or_default();
        let name = first(full);
        let amount = message.take("maxAmount").map_or(0, |it| it.whole());
        let duration = message.take("validDuration");
        let overrides = elements(message.take("overrides"));
        for field in ["rateLimitAlgorithm", "bucketDuration"] {
            message.lose(field, "tokens come back one after the other");
        }
        message.end();
        let dimensions = self.dimensions(node, name);
        let (scope, charge) = self.wiring(node, name);
        let mut key: Vec<Value> = Vec::new();
        for dimension in &dimensions {
            let one = part(&dimension.entry, false);
            key.extend(one.filter(|one| !key.contains(one)));
        }
        let add = |node: &Node<'_>,
                   name: &str,
                   condition: &Expression<Condition>,
                   fields: Option<Map<String, Value>>,
                   limits: &mut Limits| {
            let Some(mut fields) = fields else { return };
            if !key.is_empty() {
                fields.insert("key".to_owned(), key.clone().into());
            }
            if charge != 1 {
                fields.insert("cost".to_owned(), json!({"fixed": charge}));
            }
            limits.add(node, name, condition, fields);
        };
        // The first override whose dimensions are the request's is the one that counts.
        let mut rest = scope;
        for (index, one) in overrides.iter().enumerate() {
            let mut message = one.message();
            let wanted = message.take("dimensions").map(|it| it.entries());
            let amount = message.take("maxAmount").map_or(0, |it| it.whole());
            let duration = message.take("validDuration");
            message.end();
            let mut condition = Expression::always();
            for (dimension, value) in wanted.unwrap_or_default() {
                let of = match dimensions.iter().find(|it| it.name == dimension) {
                    Some(known) => known.equals(value.text()),
                    None => Expression::Unknown,
                };
                condition = both(condition, of);
            }
            if has_unknown(&condition) {
                one.lost(
                    "what this override is for is not known to a limit",
                    "such requests draw on the limit of the others",
                );
                continue;
            }
            let mine = both(rest.clone(), condition.clone());
            let name = format!("{name}.{index}");
            add(
                one,
                &name,
                &mine,
                size(one, amount, duration.as_ref()),
                limits,
            );
            rest = both(rest, condition.not());
        }
        add(
            node,
            name,
            &rest,
            size(node, amount, duration.as_ref()),
            limits,
        );
    }

    fn dimensions(&self, node: &Node<'a>, name: &str) -> Vec<Dimension<'a>> {
        let Some((_, instance)) = self.instances.iter().find(|(known, _)| *known == name) else {
            node.lost(
                format!("there is no instance `{name}` among the files"),
                "what tells its counters apart is not known: one bucket is for all requests",
            );
            return Vec::new();
        };
        let mut message = instance.message();
        let dimensions = message.take("dimensions").map(|it| it.entries());
        message.end();
        let read = dimensions
            .unwrap_or_default()
            .into_iter()
            .map(|(name, expression)| {
                let found = attribute::dimension(name, expression.text());
                if found.is_none() {
                    expression.lost(
                        format!("dimension `{name}` is not known to a limit"),
                        "requests that differ in it alone share a bucket: more are refused",
                    );
                }
                found
            });
        read.flatten().collect()
    }

    /// For which requests a quota is, and what one takes.
    fn wiring(&self, node: &Node<'a>, name: &str) -> (Expression<Condition>, u64) {
        let mut scope = Expression::always();
        let rule = self
            .rules
            .iter()
            .find(|rule| rule.instances.contains(&name));
        let spec = self.specs.iter().find(|spec| spec.name == name);
        let wired = [
            (rule.is_some(), "rule"),
            (spec.is_some(), "QuotaSpec"),
            (self.bindings > 0, "QuotaSpecBinding"),
        ];
        for (is_there, kind) in wired {
            if !is_there {
                node.lost(
                    format!("there is no {kind} for it among the files"),
                    "Mixer would not have counted anything without; the limit counts every request",
                );
            }
        }
        if let Some(matched) = rule.and_then(|rule| rule.matched.as_ref()) {
            match attribute::matched(matched.text()) {
                Some(condition) => scope = both(scope, condition),
                None => matched.lost(
                    "this `match` is not known to a limit",
                    "every request is counted: more are refused; write it as `match`",
                ),
            }
        }
        if let Some(matched) = spec.and_then(|spec| spec.matched.as_ref()) {
            matched.lost(
                "`match` of a QuotaSpec is not carried over",
                "every request is counted: more are refused; write it as `match`",
            );
        }
        (scope, spec.map_or(1, |spec| spec.charge.max(1)))
    }
}

/// The size of a limit.
fn size(node: &Node<'_>, amount: u64, duration: Option<&Node<'_>>) -> Option<Map<String, Value>> {
    let per = duration.and_then(proto::duration).unwrap_or_default();
    if per.is_zero() {
        node.lost(
            "an amount that never comes back is not carried over",
            "nothing is limited by it",
        );
        return None;
    }
    let millis = u64::try_from(per.as_millis()).unwrap_or(u64::MAX);
    if amount == 0 || !is_countable(amount, amount, millis) {
        node.problem("is no amount that a limit of ours counts: from 1 up to a million a second");
        return None;
    }
    let mut fields = Map::new();
    fields.insert("requests".to_owned(), amount.into());
    fields.insert("per".to_owned(), proto::written(per).into());
    Some(fields)
}

fn is_of_mixer(node: &Node<'_>) -> bool {
    node.text_of("apiVersion").starts_with("config.istio.io/")
}

fn name<'a>(node: &Node<'a>) -> &'a str {
    let metadata = node.field("metadata");
    metadata.map(|it| it.text_of("name")).unwrap_or_default()
}

/// The name of an object in `name.kind.namespace`.
fn first(name: &str) -> &str {
    name.split('.').next().unwrap_or_default()
}
