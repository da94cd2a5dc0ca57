//! Policies in which some conditions are taken to hold, or not to.
//!
//! What a log does not say may be anything. But where a request is decided alike whether all conditions on it let
//! the request pass or none does, it is decided so whatever it was: a DENY rule that matches more denies more,
//! and an ALLOW rule that matches more allows more. So two more sets of policies are judged, the most
//! permissive and the most restrictive, both by the filter's own code; and rules keep their places, so that
//! reasons name them.

use serde_json::{Value, json};

use super::read::{LISTS, Policy, condition};
use crate::field::Field;

/// What is taken of the conditions that ask for what is missing.
pub(crate) struct Assumption<'a> {
    /// What the log does not say.
    pub(crate) missing: &'a [Field],
    /// Whether they let pass whatever they can.
    pub(crate) permissive: bool,
}

impl Assumption<'_> {
    pub(super) fn apply(&self, policy: &mut Policy) {
        let hold = match policy.action.as_str() {
            "ALLOW" => self.permissive,
            _ => !self.permissive,
        };
        if let Some(provider) = &policy.provider
            && self.is_missing(&Field::Provider(provider.clone()))
        {
            if self.permissive {
                policy.rules.iter_mut().for_each(never);
                return;
            }
            // Whoever it does not let pass.
            policy.action = "DENY".to_owned();
            policy.provider = None;
        }
        for rule in &mut policy.rules {
            self.rule(rule, hold);
        }
    }

    fn is_missing(&self, field: &Field) -> bool {
        self.missing.contains(field)
    }

    fn rule(&self, rule: &mut Value, hold: bool) {
        for (list, inner) in LISTS {
            let entries = rule.get_mut(list).and_then(Value::as_array_mut);
            let mut any = false;
            for entry in entries.into_iter().flatten() {
                let Some(lists) = entry.get_mut(inner) else {
                    continue;
                };
                any |= self.lists(lists, inner, hold);
            }
            // One of them lets everything pass, so that there need be none.
            if any && let Some(rule) = rule.as_object_mut() {
                rule.remove(list);
            }
        }
        let when = rule.get_mut("when").and_then(Value::as_array_mut);
        for entry in when.into_iter().flatten() {
            let field = entry
                .get("key")
                .and_then(Value::as_str)
                .and_then(Field::of_key);
            if field.is_some_and(|field| self.is_missing(&field)) {
                *entry = if hold { always() } else { contradiction() };
            }
        }
    }

    /// Whether nothing is left that a source or an operation asks for.
    fn lists(&self, lists: &mut Value, inner: &str, hold: bool) -> bool {
        let Some(map) = lists.as_object_mut() else {
            return false;
        };
        let missing = |field: &Field| self.is_missing(field);
        let names = map.iter().filter_map(condition);
        let names: Vec<String> = names
            .filter(|(_, field)| missing(field))
            .map(|(name, _)| name.clone())
            .collect();
        if names.is_empty() {
            return false;
        }
        if hold {
            map.retain(|name, _| !names.contains(name));
            return !map.iter().any(|entry| condition(entry).is_some());
        }
        *lists = match inner {
            "source" => {
                json!({"remoteIpBlocks": ["0.0.0.0/32"], "notRemoteIpBlocks": ["0.0.0.0/32"]})
            }
            _ => json!({"methods": ["*"], "notMethods": ["*"]}),
        };
        false
    }
}

/// Whatever the request is, this rule is not about it.
fn never(rule: &mut Value) {
    if let Some(rule) = rule.as_object_mut() {
        let when = rule.entry("when").or_insert_with(|| json!([]));
        match when.as_array_mut() {
            Some(when) => when.push(contradiction()),
            None => *when = json!([contradiction()]),
        }
    }
}

/// A condition that no request meets.
fn contradiction() -> Value {
    json!({"key": "destination.port", "values": ["1"], "notValues": ["1"]})
}

/// A condition that every request meets: none comes to port 0.
fn always() -> Value {
    json!({"key": "destination.port", "notValues": ["0"]})
}
