//! The DestinationRule that holds for a service.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::model::Model;
use crate::model::destination_rule::{DestinationRule, Subset, TrafficPolicy};
use crate::model::service::Service;
use crate::routes::{covers, duration};

/// The DestinationRules for one host, as one.
#[derive(Debug, Clone)]
pub struct Rule<'a>(Vec<&'a DestinationRule>);

impl<'a> Rule<'a> {
    /// The rule for what a client calls: one of the client's own namespace, else of the service's, else of the root
    /// namespace; a host in full before a wildcard; one that selects the client before one for all.
    #[must_use]
    pub fn find(
        model: &'a Model,
        service: &Service,
        namespace: &str,
        labels: &BTreeMap<String, String>,
    ) -> Option<Self> {
        let selects = |rule: &DestinationRule| {
            rule.selector.is_empty()
                || rule.namespace == namespace
                    && rule
                        .selector
                        .iter()
                        .all(|(name, value)| labels.get(name) == Some(value))
        };
        for place in [namespace, &service.namespace, &model.root_namespace] {
            let mut here: Vec<&DestinationRule> = model
                .destination_rules
                .iter()
                .filter(|rule| rule.namespace == place && covers(&rule.host, &service.host))
                .filter(|rule| rule.export.reaches(&rule.namespace, namespace) && selects(rule))
                .collect();
            // Sorting keeps the order of the files where both say as much.
            here.sort_by_key(|rule| {
                let length = usize::MAX - rule.host.len();
                (rule.selector.is_empty(), rule.host.starts_with('*'), length)
            });
            if let Some(first) = here.first() {
                let (host, selector) = (first.host.clone(), first.selector.clone());
                // Several for one host are one: the first says how, all of them name parts.
                here.retain(|rule| rule.host == host && rule.selector == selector);
                return Some(Rule(here));
            }
        }
        None
    }

    /// The parts of the service; of several with one name the first.
    pub fn subsets(&self) -> impl Iterator<Item = &'a Subset> + use<'a> {
        let mut seen = std::collections::BTreeSet::new();
        let all: Vec<&'a Subset> = self.0.iter().flat_map(|rule| &rule.subsets).collect();
        all.into_iter()
            .filter(move |subset| seen.insert(subset.name.clone()))
    }

    /// The labels of a part; none where there is no such part, or the whole is meant.
    #[must_use]
    pub fn labels(&self, subset: &str) -> Option<&'a BTreeMap<String, String>> {
        let found = self.subsets().find(|one| one.name == subset);
        found.map(|one| &one.labels)
    }

    /// How the endpoints of a part are used at a port.
    #[must_use]
    pub fn policy(&self, subset: &str, port: u16) -> TrafficPolicy {
        let first = self
            .0
            .first()
            .map(|rule| rule.policy.clone())
            .unwrap_or_default();
        let own = self.subsets().find(|one| one.name == subset);
        let all = match own {
            Some(own) => first.with(&own.policy),
            None => first,
        };
        all.of_port(port).clone()
    }

    /// What a client is remembered by, in Envoy's words, where `consistentHash` says one. Only what stands at the rule
    /// or at a port of it makes a route's policy, as istiod has it, and what stands at a subset.
    #[must_use]
    pub fn hash_policy(&self, subset: &str, port: Option<u16>) -> Option<Value> {
        let policy = self.policy(subset, port.unwrap_or(0));
        let hash = policy.load_balancer.as_ref()?.get("consistentHash")?;
        let text = |name: &str| hash.get(name).and_then(Value::as_str);
        if let Some(name) = text("httpHeaderName") {
            return Some(json!({"header": {"header_name": name}}));
        }
        if let Some(name) = text("httpQueryParameterName") {
            return Some(json!({"query_parameter": {"name": name}}));
        }
        if hash.get("useSourceIp").and_then(Value::as_bool) == Some(true) {
            return Some(json!({"connection_properties": {"source_ip": true}}));
        }
        let cookie = hash.get("httpCookie")?;
        let mut out = Map::new();
        for (name, field) in [("name", "name"), ("path", "path")] {
            if let Some(value) = cookie.get(field) {
                out.insert(name.to_owned(), value.clone());
            }
        }
        if let Some(ttl) = cookie.get("ttl").and_then(Value::as_str).and_then(duration) {
            out.insert("ttl".to_owned(), json!(ttl));
        }
        Some(json!({"cookie": out}))
    }
}
