//! Envoy's `jwt_authn` as a request authentication.
//!
//! Ours asks the same of every request; Envoy's may ask by path, and may ask for several tokens at once. Where that
//! would let more pass, nothing is converted.

mod provider;
mod requirement;

use serde_json::{Map, Value, json};

use self::requirement::Requirement;
use crate::node::{Message, Node};
use crate::rbac::{Claims, Policies};
use crate::snippet::elements;

/// What is read of a filter.
pub(crate) struct Authentication {
    /// The configuration; none where no token is asked for.
    pub(crate) tree: Option<Value>,
    /// How claims come to the filters behind it.
    pub(crate) claims: Claims,
}

/// Reads a filter. What ours cannot ask for by itself is asked for by policies.
pub(crate) fn read(node: &Node<'_>, policies: &mut Policies) -> Authentication {
    let mut message = node.message();
    let providers = message.take("providers").map(|it| it.entries());
    let providers = providers.unwrap_or_default();
    let mut read = Vec::new();
    for (name, provider) in &providers {
        read.push((*name, provider::read(name, provider)));
    }
    let map = message.take("requirement_map").map(|it| it.entries());
    let map = map.unwrap_or_default();
    let names: Vec<&str> = providers.iter().map(|(name, _)| *name).collect();
    let requirement = rules(&mut message, &map, &names);
    if let Some(state) = message.take("filter_state_rules") {
        state.problem("requirements by filter state are not converted, and without them requests would pass; write `rules`");
    }
    let passes_preflights = message
        .take("bypass_cors_preflight")
        .is_some_and(|it| it.flag());
    message.lose(
        "strip_failure_response",
        "a refusal says in its body and `www-authenticate` why; `errorBody` changes the body",
    );
    message.lose(
        "stat_prefix",
        "statistics are `mesh_filters.request-authentication.<reason>[policy=<rule>]`",
    );
    message.end_or_refuse();
    let claims = claims(read.iter().map(|(_, provider)| provider));
    let Some(requirement) = requirement else {
        node.lost(
            "no rule asks for a token",
            "it verifies nothing, and nothing is converted of it",
        );
        return Authentication { tree: None, claims };
    };
    let mut rules = Vec::new();
    for (name, audiences) in &requirement.providers {
        let Some((_, provider)) = read.iter().find(|(known, _)| known == name) else {
            continue;
        };
        let mut rule = provider.rule.clone();
        if let Some(audiences) = audiences {
            rule.insert("audiences".to_owned(), json!(audiences));
        }
        rules.push(Value::Object(rule));
    }
    for (name, provider) in &providers {
        if !requirement.providers.iter().any(|(known, _)| known == name) {
            provider.lost(
                format!("provider `{name}` is not converted"),
                "no rule asks for its tokens, in Envoy as well",
            );
        }
    }
    let mut tree = Map::new();
    tree.insert("jwtRules".to_owned(), rules.into());
    if !requirement.allows_missing && !requirement.allows_failed {
        tree.insert("requireToken".to_owned(), json!(true));
    }
    if requirement.allows_failed {
        tree.insert("shadow".to_owned(), json!(true));
    }
    let sizes: Vec<u64> = read.iter().filter_map(|(_, it)| it.cache).collect();
    if let Some(size) = sizes.iter().max() {
        tree.insert("tokenCacheSize".to_owned(), (*size).min(100_000).into());
    }
    if !passes_preflights && !requirement.allows_failed {
        preflights(node, requirement.allows_missing, policies);
    }
    Authentication {
        tree: Some(Value::Object(tree)),
        claims,
    }
}

/// Reads what routes say of it.
pub(crate) fn route(node: &Node<'_>) {
    let mut message = node.message();
    let disabled = message.take("disabled").is_some_and(|it| it.flag());
    let name = message.take("requirement_name");
    message.end_or_refuse();
    if let Some(name) = name {
        name.problem("requirements for some routes alone are not converted, and without them requests might pass; use AuthorizationPolicies");
    }
    if disabled {
        node.lost(
            "that a route asks for no token is not carried over",
            "its requests are asked for one as all others are",
        );
    }
}

/// Ours asks no preflight of CORS for a token.
fn preflights(node: &Node<'_>, allows_missing: bool, policies: &mut Policies) {
    if allows_missing {
        node.lost(
            "that preflights of CORS are verified as well is not carried over",
            "one with a bad token passes, as one without a token does; with `bypass_cors_preflight: true` Envoy does so, too",
        );
        return;
    }
    node.lost(
        "that preflights of CORS have to have a token is not carried over",
        "the policy `preflights` denies them, with 403 and also with a good token; with `bypass_cors_preflight: true` they pass, in Envoy and in ours",
    );
    let there = |name: &str| json!({"key": format!("request.headers[{name}]"), "values": ["*"]});
    let rule = json!({
        "to": [{"operation": {"methods": ["OPTIONS"]}}],
        "when": [there("origin"), there("access-control-request-method")],
    });
    policies.add(json!({"action": "DENY", "rules": [rule]}), "preflights");
}

/// The one requirement of all rules; none where there is none. Envoy takes the first rule that matches.
fn rules(
    message: &mut Message<'_>,
    map: &[(&str, Node<'_>)],
    providers: &[&str],
) -> Option<Requirement> {
    let mut all: Vec<(Node<'_>, Requirement)> = Vec::new();
    let mut is_decided = false;
    let mut asked = Vec::new();
    for rule in elements(message.take("rules")) {
        let mut inner = rule.message();
        let matched = inner.take("match");
        let requires = inner.take("requires");
        let named = inner.take("requirement_name");
        inner.end_or_refuse();
        let is_all = matched.as_ref().is_some_and(is_for_all);
        let requirement = match (&requires, &named) {
            (Some(requires), _) => requirement::read(requires, providers),
            (None, Some(name)) => match map.iter().find(|(known, _)| *known == name.text()) {
                Some((_, requires)) => requirement::read(requires, providers),
                None => {
                    name.problem("is none of `requirement_map`");
                    None
                }
            },
            (None, None) => None,
        };
        if is_decided {
            rule.lost(
                "a rule before this one is about every request",
                "it is never asked, in Envoy as well",
            );
            continue;
        }
        if let Some(part) = matched.filter(|_| !is_all) {
            part.lost(
                    "that a rule is for some requests alone is not carried over",
                    "every request is asked for what the strictest rule asks for, also those that no rule is about",
                );
        }
        asked.extend(named.map(|it| it.text()));
        is_decided = is_all;
        all.extend(requirement.map(|it| (rule, it)));
    }
    for (name, requirement) in map {
        if !asked.contains(name) {
            requirement.lost(
                format!("requirement `{name}` is not converted"),
                "no rule asks for it",
            );
        }
    }
    let mut found: Option<Requirement> = None;
    for (rule, requirement) in all {
        match &mut found {
            None => found = Some(requirement),
            Some(first) if first.providers == requirement.providers => first.tighten(&requirement),
            Some(_) => rule.problem(
                "asks for tokens of other providers than the rule before it: ours takes those of any provider for every request, so that more would pass; convert one rule alone, or use AuthorizationPolicies with `requestPrincipals` and `paths`",
            ),
        }
    }
    found
}

/// Whether a RouteMatch is about every request.
fn is_for_all(node: &Node<'_>) -> bool {
    let Some(fields) = node.value().as_object() else {
        return false;
    };
    let mut fields = fields.iter().filter(|(_, value)| !value.is_null());
    matches!(
        (fields.next(), fields.next()),
        (Some((name, value)), None) if name == "prefix" && matches!(value.as_str(), Some("/" | ""))
    )
}

fn claims<'p>(providers: impl Iterator<Item = &'p provider::Provider>) -> Claims {
    let mut claims: Option<Claims> = None;
    for provider in providers {
        match &mut claims {
            None => claims = Some(provider.claims.clone()),
            Some(all) => {
                all.is_split &= provider.claims.is_split;
                if all.payload != provider.claims.payload {
                    all.payload = None;
                }
            }
        }
    }
    claims.unwrap_or_default()
}
