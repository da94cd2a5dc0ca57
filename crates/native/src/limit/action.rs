//! `rate_limits`: what Envoy makes descriptors of, and so tells callers apart by.

use super::condition::{Condition, of_headers};
use super::entry::{Entry, Source, there};
use crate::expression::Expression;
use crate::node::{Message, Node};
use crate::text;

/// Variants of one descriptor are no more than these.
const MOST_VARIANTS: usize = 16;

/// A descriptor as a request may have it.
#[derive(Debug, Clone)]
pub(crate) struct Variant {
    pub(crate) entries: Vec<Entry>,
    /// For which requests it is made.
    pub(crate) condition: Expression<Condition>,
}

/// An element of `rate_limits`.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    pub(crate) node: Node<'a>,
    pub(crate) stage: u64,
    pub(crate) cost: u64,
    pub(crate) variants: Vec<Variant>,
}

/// An action that was read.
struct Action {
    entry: Entry,
    condition: Expression<Condition>,
    /// Whether a request without a value has a descriptor without this entry, and not none at all.
    is_optional: bool,
}

/// What a descriptor that is not made means.
const NOT_LIMITED: &str = "requests are not limited by this descriptor";

/// Reads `rate_limits`. Those that cannot be carried over are told and left out.
pub(crate) fn items<'a>(list: &Node<'a>) -> Vec<Item<'a>> {
    list.elements().iter().filter_map(item).collect()
}

fn item<'a>(node: &Node<'a>) -> Option<Item<'a>> {
    let mut message = node.message();
    let stage = message.take("stage").map_or(0, |it| it.whole());
    let disabled = message.take("disable_key");
    let actions = message.take("actions");
    let cost = message.take("hits_addend").map_or(Some(1), |it| cost(&it));
    message.lose(
        "limit",
        "the quota is what the service has configured, not what a request's metadata says",
    );
    let done = message.take("apply_on_stream_done").filter(|it| it.flag());
    message.end();
    if let Some(done) = done {
        done.lost(
            "a descriptor that is counted when a stream ends is not carried over",
            NOT_LIMITED,
        );
        return None;
    }
    if let Some(key) = disabled.filter(|key| !key.text().is_empty()) {
        key.lost(
            "`disable_key` is not carried over",
            "the runtime cannot turn this descriptor off. `local_ratelimit` never makes one of it; here it is made",
        );
    }
    let actions: Option<Vec<Action>> = actions.map_or_else(
        || {
            node.problem("has no `actions`");
            None
        },
        |actions| actions.elements().iter().map(action).collect(),
    );
    let (actions, cost) = (actions?, cost?);
    let variants = variants(node, &actions)?;
    Some(Item {
        node: node.clone(),
        stage,
        cost,
        variants,
    })
}

/// What one request takes; none where that is not carried over.
fn cost(node: &Node<'_>) -> Option<u64> {
    let mut message = node.message();
    let number = message.take("number").map(|it| it.whole());
    let format = message.take("format");
    message.end();
    if let Some(format) = format.filter(|it| !it.text().is_empty()) {
        format.lost(
            "a cost that a format computes is not carried over; write `cost: {header: …, max: …}`",
            NOT_LIMITED,
        );
        return None;
    }
    if number == Some(0) {
        node.lost("a cost of 0 is not carried over", NOT_LIMITED);
        return None;
    }
    Some(number.unwrap_or(1))
}

fn variants(node: &Node<'_>, actions: &[Action]) -> Option<Vec<Variant>> {
    let mut all = vec![Variant {
        entries: Vec::new(),
        condition: Expression::always(),
    }];
    for action in actions {
        let mut next = Vec::new();
        for variant in &all {
            let mut with = variant.clone();
            with.entries.push(action.entry.clone());
            with.condition = both(with.condition, action.condition.clone());
            if action.is_optional {
                let there = there(&action.entry.source);
                let mut without = variant.clone();
                without.condition = both(without.condition, there.clone().not());
                with.condition = both(with.condition, there);
                next.push(without);
            }
            next.push(with);
        }
        all = next;
        if all.len() > MOST_VARIANTS {
            node.lost(
                "a descriptor with more than four optional entries is not carried over",
                NOT_LIMITED,
            );
            return None;
        }
    }
    Some(all)
}

pub(crate) fn both(
    one: Expression<Condition>,
    other: Expression<Condition>,
) -> Expression<Condition> {
    match (one, other) {
        (Expression::All(all), other) if all.is_empty() => other,
        (one, Expression::All(all)) if all.is_empty() => one,
        (one, other) => Expression::All(vec![one, other]),
    }
}

/// Reads the message of one kind of action.
type Read = fn(&mut Message<'_>) -> Option<Action>;

fn action(node: &Node<'_>) -> Option<Action> {
    let mut message = node.message();
    let kinds: [(&'static str, Read); 8] = [
        ("generic_key", generic_key),
        ("request_headers", request_headers),
        ("query_parameters", query_parameters),
        ("remote_address", |_| {
            Some(dynamic(
                "remote_address",
                Source::Address {
                    v4: 32,
                    v6: 128,
                    masked: false,
                },
            ))
        }),
        ("masked_remote_address", masked),
        ("destination_cluster", |_| {
            Some(dynamic("destination_cluster", Source::Cluster))
        }),
        ("header_value_match", header_value_match),
        ("remote_address_match", remote_address_match),
    ];
    let mut found = None;
    for (name, read) in kinds {
        if let Some(inner) = message.take(name) {
            let mut inner = inner.message();
            found = read(&mut inner);
            inner.end();
        }
    }
    if let Some(metadata) = message.take("metadata") {
        found = super::metadata::action(&metadata).map(|(key, claim, is_optional)| Action {
            is_optional,
            ..dynamic(&key, Source::Claim(claim))
        });
    }
    for (name, instead) in [
        (
            "source_cluster",
            "a module is not told Envoy's `--service-cluster`",
        ),
        (
            "query_parameter_value_match",
            "write `match: [{queryParams: …}]`, where parameters are matched as sent",
        ),
        (
            "dynamic_metadata",
            "write `key: [{claim: …}]`, where it is of a verified token",
        ),
        (
            "extension",
            "write `key: [{claim: …}]`, `{principal: {}}` or what else the expression takes",
        ),
    ] {
        if let Some(unknown) = message.take(name) {
            unknown.lost(
                format!("action `{name}` is not carried over; {instead}"),
                NOT_LIMITED,
            );
            found = None;
        }
    }
    let is_read = message.is_read();
    message.end();
    found.filter(|_| is_read)
}

fn dynamic(key: &str, source: Source) -> Action {
    Action {
        entry: Entry {
            key: key.to_owned(),
            source,
        },
        condition: Expression::always(),
        is_optional: false,
    }
}

fn constant(message: &mut Message<'_>, default: &str) -> Action {
    let value = message.take("descriptor_value").map(|it| it.text());
    let key = message.take("descriptor_key").map(|it| it.text());
    let key = key.filter(|key| !key.is_empty()).unwrap_or(default);
    dynamic(key, Source::Constant(value.unwrap_or_default().to_owned()))
}

fn generic_key(message: &mut Message<'_>) -> Option<Action> {
    Some(constant(message, "generic_key"))
}

fn request_headers(message: &mut Message<'_>) -> Option<Action> {
    let name = message
        .take("header_name")
        .map(|it| it.text().to_ascii_lowercase());
    let key = message.take("descriptor_key").map(|it| it.text());
    let is_optional = message.take("skip_if_absent").is_some_and(|it| it.flag());
    let (Some(name), Some(key)) = (name, key) else {
        message
            .node()
            .problem("needs `header_name` and `descriptor_key`");
        return None;
    };
    Some(Action {
        is_optional,
        ..dynamic(key, Source::Header(name))
    })
}

fn query_parameters(message: &mut Message<'_>) -> Option<Action> {
    let name = message.take("query_parameter_name").map(|it| it.text());
    let key = message.take("descriptor_key").map(|it| it.text());
    let is_optional = message.take("skip_if_absent").is_some_and(|it| it.flag());
    let Some(name) = name else {
        message.node().problem("needs `query_parameter_name`");
        return None;
    };
    let key = key.filter(|key| !key.is_empty()).unwrap_or("query_param");
    Some(Action {
        is_optional,
        ..dynamic(key, Source::Query(name.to_owned()))
    })
}

fn masked(message: &mut Message<'_>) -> Option<Action> {
    let v4 = message
        .take("v4_prefix_mask_len")
        .map_or(32, |it| it.whole());
    let v6 = message
        .take("v6_prefix_mask_len")
        .map_or(128, |it| it.whole());
    let source = Source::Address {
        v4,
        v6,
        masked: true,
    };
    Some(dynamic("masked_remote_address", source))
}

fn header_value_match(message: &mut Message<'_>) -> Option<Action> {
    let mut action = constant(message, "header_match");
    let headers = message.take("headers").map(|it| it.elements());
    let headers = headers.unwrap_or_default();
    let all = headers.iter().map(|it| of_headers(text::header(it)));
    let all = Expression::All(all.collect());
    let expected = message.take("expect_match").is_none_or(|it| it.flag());
    action.condition = if expected { all } else { all.not() };
    Some(action)
}

fn remote_address_match(message: &mut Message<'_>) -> Option<Action> {
    let mut action = constant(message, "remote_address_match");
    let addresses = message.take("address_matcher");
    let Some(addresses) = addresses else {
        message.node().problem("needs `address_matcher`");
        return None;
    };
    let mut inner = addresses.message();
    let ranges = inner
        .take("ranges")
        .map(|it| it.elements())
        .unwrap_or_default();
    let invert = inner.take("invert_match").is_some_and(|it| it.flag());
    inner.end();
    let blocks: Option<Vec<String>> = ranges.iter().map(crate::address::block).collect();
    let inside = Expression::Atom(Condition::Address(blocks?));
    action.condition = if invert { inside.not() } else { inside };
    Some(action)
}
