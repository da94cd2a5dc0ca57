//! Every rule by itself: whether it matches a request, and where it fails.
//!
//! Rules of an AuthorizationPolicy are loaded one by one, so that each has a closest condition. Of all others the
//! filter that has them says what they are to a request, as it stands when it comes there.

mod facts;

use catalog::Filter;
use sdk_helpers::Timestamp;
use sdk_helpers::explanation::RuleExplanation;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::chain::{AUTHENTICATION as AUTHENTICATES, Chain};
use crate::closest::{Closest, policies};
use crate::line::Line;
use crate::secrets::Secrets;
use crate::session::{Options, Session};
pub use facts::Facts;
use facts::Told;

/// The filter with policies, and the one that verifies tokens.
const AUTHORIZATION: &str = "authorization-policy";
const AUTHENTICATION: &str = AUTHENTICATES.0;

/// A rule and what it is to a request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleVerdict {
    /// Whose it is.
    pub filter: &'static str,
    /// The AuthorizationPolicy that it is in: `<namespace>/<name>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// What that policy does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The rule: `rules[0]` of a policy, else its name in reasons.
    pub rule: String,
    /// Whether it matches.
    pub matches: bool,
    /// The first condition of a policy's rule that fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<Closest>,
    /// What else its filter says.
    #[serde(flatten)]
    pub facts: Facts,
}

impl RuleVerdict {
    pub(crate) fn of(filter: &'static str, rule: RuleExplanation, secrets: &Secrets) -> Self {
        RuleVerdict {
            filter,
            policy: None,
            action: None,
            rule: rule.rule,
            matches: rule.matches,
            failed: None,
            facts: Facts::of(rule.facts, secrets),
        }
    }

    /// What became of a tag, once that is known.
    pub(crate) fn set_tag(&mut self, value: Option<&String>) {
        self.matches = value.is_some();
        let value = value.map(|value| ("value", Told::Text(value.clone())));
        self.facts.0.extend(value);
    }
}

/// The rules of AuthorizationPolicies in a configuration, each loaded by itself.
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
                    filter: AUTHORIZATION,
                    policy: Some(policy.clone()),
                    action: Some(action.to_owned()),
                    rule: format!("rules[{index}]"),
                    matches: false,
                    failed: None,
                    facts: Facts::default(),
                };
                rules.push((verdict, chain));
            }
        }
        Rules { rules, now }
    }

    /// Adds what each of them is to a request to its answer, at their place behind the rules that verify tokens;
    /// nothing where it does not come as far as to the policies.
    pub fn add_to(&self, answer: &mut Answer, line: &Line, options: Options) {
        let tokens = answer.rules.iter();
        let tokens = tokens
            .take_while(|rule| rule.filter == AUTHENTICATION)
            .count();
        answer
            .rules
            .splice(tokens..tokens, self.judge(line, options));
    }

    fn judge(&self, line: &Line, options: Options) -> Vec<RuleVerdict> {
        let options = Options {
            rules: false,
            ..options
        };
        let mut all = Vec::new();
        for (verdict, chain) in &self.rules {
            let answer = Session::new(chain, self.now, options).answer(line);
            let mut filters = answer.iter().flat_map(|answer| &answer.filters);
            let Some(said) = filters.find(|filter| filter.filter == AUTHORIZATION) else {
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
