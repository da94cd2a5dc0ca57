//! Every rule of every policy by itself: whether it matches a request, and where it fails.

use catalog::Filter;
use sdk_helpers::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::chain::Chain;
use crate::closest::{Closest, policies};
use crate::line::Line;
use crate::session::{Options, Session};

/// A rule and what it is to a request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleVerdict {
    /// The policy: `<namespace>/<name>`.
    pub policy: String,
    /// What the policy does.
    pub action: String,
    /// The rule in it: `rules[0]`.
    pub rule: String,
    /// Whether it matches.
    pub matches: bool,
    /// The first of its conditions that fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<Closest>,
}

/// The rules of a configuration, each loaded by itself.
#[derive(Debug)]
pub struct Rules {
    rules: Vec<(RuleVerdict, Chain)>,
    now: Timestamp,
}

impl Rules {
    /// Takes the rules of a configuration of the one module that was [loaded](Chain::load) before.
    #[must_use]
    pub fn load(filter: &Filter, tree: &Value, now: Timestamp) -> Self {
        let mut rules = Vec::new();
        for (policy, spec) in policies(tree) {
            let action = spec
                .get("action")
                .and_then(Value::as_str)
                .unwrap_or("ALLOW");
            let all = spec.get("rules").and_then(Value::as_array);
            for (index, rule) in all.into_iter().flatten().enumerate() {
                let alone = alone(tree, &policy, rule);
                // What was taken with all others is taken by itself.
                let Ok(chain) = Chain::load(filter, &alone, now, None) else {
                    continue;
                };
                let verdict = RuleVerdict {
                    policy: policy.clone(),
                    action: action.to_owned(),
                    rule: format!("rules[{index}]"),
                    matches: false,
                    failed: None,
                };
                rules.push((verdict, chain));
            }
        }
        Rules { rules, now }
    }

    /// What each of them is to a request; none where it does not come as far as to the policies.
    #[must_use]
    pub fn judge(&self, line: &Line, options: Options) -> Vec<RuleVerdict> {
        let mut all = Vec::new();
        for (verdict, chain) in &self.rules {
            let answer = Session::new(chain, self.now, options).answer(line);
            let mut filters = answer.iter().flat_map(|answer| &answer.filters);
            let Some(said) = filters.find(|filter| filter.filter == "authorization-policy") else {
                continue;
            };
            let mut verdict = verdict.clone();
            verdict.matches = said.reason.starts_with("allow:");
            verdict.failed = said.closest.clone().map(|mut failed| {
                if let Some(rest) = failed.condition.strip_prefix("rules[0]") {
                    failed.condition = [&verdict.rule, rest].concat();
                }
                failed
            });
            all.push(verdict);
        }
        all
    }
}

/// A configuration with one rule, that allows, and all that tells who sends a request.
fn alone(tree: &Value, policy: &str, rule: &Value) -> Value {
    let mut map = Map::new();
    if let Some(tokens) = tree.get("requestAuthentication") {
        map.insert("requestAuthentication".to_owned(), tokens.clone());
    }
    let resources = tree.get("resources").and_then(Value::as_array);
    let verifies = |object: &&Value| {
        object.get("kind").and_then(Value::as_str) == Some("RequestAuthentication")
    };
    let resources: Vec<&Value> = resources.into_iter().flatten().filter(verifies).collect();
    if !resources.is_empty() {
        map.insert("resources".to_owned(), json!(resources));
    }
    let mut own = Map::new();
    for field in ["trustDomain", "trustDomainAliases", "singleUriSan"] {
        let said = tree
            .get("authorizationPolicy")
            .and_then(|own| own.get(field));
        own.extend(said.map(|said| (field.to_owned(), said.clone())));
    }
    let mut entry = json!({"rules": [rule]});
    if let Some(entry) = entry.as_object_mut() {
        let (namespace, name) = match policy.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, policy),
        };
        entry.extend(namespace.map(|namespace| ("namespace".to_owned(), namespace.into())));
        entry.insert("name".to_owned(), name.into());
    }
    own.insert("policies".to_owned(), json!([entry]));
    map.insert("authorizationPolicy".to_owned(), own.into());
    map.into()
}
