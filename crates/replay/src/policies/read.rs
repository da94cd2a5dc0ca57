//! Finds AuthorizationPolicies, in whatever form a configuration has them.

use serde_json::{Map, Value, json};

use crate::field::Field;

/// A policy.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    /// `ALLOW`, `DENY`, `AUDIT` or `CUSTOM`.
    pub(super) action: String,
    /// Of a CUSTOM one.
    pub(super) provider: Option<String>,
    is_dry_run: bool,
    pub(super) rules: Vec<Value>,
}

/// The lists of a rule, and what an entry of each holds.
pub(super) const LISTS: [(&str, &str); 2] = [("from", "source"), ("to", "operation")];

/// What of an `authorizationPolicy` is about all policies.
const OWN: [&str; 4] = [
    "trustDomain",
    "trustDomainAliases",
    "extensionProviders",
    "singleUriSan",
];

/// What of a configuration is about all policies, and the policies in order.
pub(super) fn read(tree: &Value) -> (Map<String, Value>, Vec<Policy>) {
    let mut own = Map::new();
    let mut policies = Vec::new();
    if let Some(part) = tree.get("authorizationPolicy") {
        for name in OWN {
            let said = part.get(name).or_else(|| part.get(snake(name)));
            own.extend(said.map(|said| (name.to_owned(), said.clone())));
        }
        visit(part, 0, &mut policies);
    }
    let resources = tree.get("resources").and_then(Value::as_array);
    for (index, object) in resources.into_iter().flatten().enumerate() {
        if text(object, "kind") == Some("AuthorizationPolicy") {
            visit(object, index, &mut policies);
        }
    }
    (own, policies)
}

/// What else there is that decides, or that tells who sends a request.
pub(super) fn passed_over(tree: &Value) -> Vec<&'static str> {
    const PARTS: [(&str, &str, &str); 3] = [
        ("rateLimit", "RateLimit", "rate limits"),
        ("faultInjection", "VirtualService", "faults"),
        (
            "requestAuthentication",
            "RequestAuthentication",
            "the verification of tokens",
        ),
    ];
    let resources = tree.get("resources").and_then(Value::as_array);
    let has = |part: &str, kind: &str| {
        tree.get(part).is_some()
            || resources.is_some_and(|all| all.iter().any(|one| text(one, "kind") == Some(kind)))
    };
    let there = PARTS.iter().filter(|(part, kind, _)| has(part, kind));
    there.map(|(.., what)| *what).collect()
}

fn snake(name: &str) -> String {
    sdk_helpers::config::snake(name)
}

fn text<'a>(map: &'a Value, name: &str) -> Option<&'a str> {
    map.get(name).and_then(Value::as_str)
}

/// A policy, a list of objects, or our own list of policies.
fn visit(part: &Value, index: usize, policies: &mut Vec<Policy>) {
    let lists = ["policies", "items"];
    if let Some(Value::Array(entries)) = lists.iter().find_map(|list| part.get(list)) {
        let entries = entries.iter().enumerate();
        policies.extend(entries.map(|(index, entry)| policy(entry, index)));
    } else if ["spec", "rules", "action"]
        .iter()
        .any(|name| part.get(name).is_some())
    {
        policies.push(policy(part, index));
    }
}

fn policy(value: &Value, index: usize) -> Policy {
    let (meta, spec) = match value.get("spec") {
        Some(spec) => (value.get("metadata").unwrap_or(&Value::Null), spec),
        None => (value, value),
    };
    let is_true = |value: Option<&Value>| {
        value.is_some_and(|value| value.as_bool() == Some(true) || value.as_str() == Some("true"))
    };
    let annotated = meta
        .get("annotations")
        .and_then(|all| all.get("istio.io/dry-run"));
    let dry_run = spec.get("dryRun").or_else(|| spec.get("dry_run"));
    let provider = spec
        .get("provider")
        .and_then(|provider| text(provider, "name"));
    let rules = spec.get("rules").and_then(Value::as_array);
    Policy {
        name: text(meta, "name").map_or_else(|| format!("policy-{index}"), str::to_owned),
        namespace: text(meta, "namespace").map(str::to_owned),
        action: text(spec, "action").unwrap_or("ALLOW").to_owned(),
        provider: provider.map(str::to_owned),
        is_dry_run: is_true(annotated) || is_true(dry_run),
        rules: rules.cloned().unwrap_or_default(),
    }
}

impl Policy {
    /// Whether anything depends on it.
    pub(super) fn decides(&self) -> bool {
        !self.is_dry_run && self.action != "AUDIT"
    }

    /// Its name as reasons have it.
    pub(super) fn reason_name(&self) -> String {
        match &self.namespace {
            Some(namespace) => [namespace, "/", &self.name].concat(),
            None => self.name.clone(),
        }
    }

    /// Each of its conditions by its place, `.rules[0].when[0]`, and what it asks for.
    pub(super) fn conditions(&self) -> Vec<(String, Field)> {
        let mut all = Vec::new();
        for (index, rule) in self.rules.iter().enumerate() {
            let place = format!(".rules[{index}]");
            if let Some(provider) = &self.provider {
                all.push((place.clone(), Field::Provider(provider.clone())));
            }
            for (list, inner) in LISTS {
                let entries = rule.get(list).and_then(Value::as_array);
                for (index, entry) in entries.into_iter().flatten().enumerate() {
                    let lists = entry.get(inner).and_then(Value::as_object);
                    for (name, field) in lists.into_iter().flatten().filter_map(condition) {
                        all.push((format!("{place}.{list}[{index}].{inner}.{name}"), field));
                    }
                }
            }
            let when = rule.get("when").and_then(Value::as_array);
            for (index, entry) in when.into_iter().flatten().enumerate() {
                let field = text(entry, "key").and_then(Field::of_key);
                all.extend(field.map(|field| (format!("{place}.when[{index}]"), field)));
            }
        }
        all
    }

    /// The same in our own form.
    pub(super) fn into_value(self) -> Value {
        let mut policy = json!({"name": self.name, "action": self.action, "rules": self.rules});
        if let Some(map) = policy.as_object_mut() {
            let namespace = self.namespace.map(Value::from);
            map.extend(namespace.map(|namespace| ("namespace".to_owned(), namespace)));
            let provider = self.provider.map(|name| json!({"name": name}));
            map.extend(provider.map(|provider| ("provider".to_owned(), provider)));
            // Of no rules Istio says nothing, and an empty list is one that denies all.
            if self.rules.is_empty() {
                map.remove("rules");
            }
        }
        policy
    }
}

/// A list of a `source` or an `operation` that has entries.
pub(super) fn condition<'a>((name, value): (&'a String, &Value)) -> Option<(&'a String, Field)> {
    let has_entries = value.as_array().is_some_and(|list| !list.is_empty());
    Some((name, Field::of_list(name)?)).filter(|_| has_entries)
}
