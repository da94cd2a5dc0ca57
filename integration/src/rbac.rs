//! Istio's AuthorizationPolicy as the native RBAC filters that istiod makes of it: what our own filter
//! is compared with.
//!
//! Written from what istiod does (`pilot/pkg/security/authz` of istio/istio) and from nothing of our
//! filter's code, so that an error would have to be made twice to stay unseen. CUSTOM policies are
//! another filter's business in Istio and are left out here.

mod conditions;
mod matchers;
mod permissions;
mod policy;
mod principals;
mod trust;

use serde_json::{Map, Value, json};

use policy::{Action, Config, Policy, Rule};
use trust::Domains;

/// The name of the filter, and where its metadata is.
pub const FILTER: &str = "envoy.filters.http.rbac";
/// The end of its message's name.
pub const MESSAGE: &str = "rbac.v3.RBAC";
/// Where istiod has Envoy keep a verified token, and under which key.
pub const CLAIMS: (&str, &str) = ("envoy.filters.http.jwt_authn", "payload");

/// The RBAC filters for a configuration of our filter, in the order in which they stand: AUDIT, DENY,
/// ALLOW, and none for an action without policies.
///
/// # Errors
/// What istiod would refuse, or leave out with no more than a line in its log.
pub fn filters(config: &Value) -> Result<Vec<Value>, String> {
    let config: Config =
        serde_json::from_value(config.clone()).map_err(|error| error.to_string())?;
    let domains = Domains::new(config.trust_domain, config.trust_domain_aliases);
    let mut filters = Vec::new();
    for action in [Action::Audit, Action::Deny, Action::Allow] {
        let policies: Vec<&Policy> = config
            .policies
            .iter()
            .filter(|policy| policy.action == action)
            .collect();
        if !policies.is_empty() {
            filters.push(filter(action, &policies, &domains)?);
        }
    }
    Ok(filters)
}

fn filter(action: Action, policies: &[&Policy], domains: &Domains) -> Result<Value, String> {
    let mut filter = json!({});
    for (field, dry) in [("rules", false), ("shadow_rules", true)] {
        let mut rules = Map::new();
        let mut some = false;
        for policy in policies.iter().filter(|policy| policy.dry_run == dry) {
            some = true;
            rules.extend(policy_rules(policy, domains)?);
        }
        // Policies that never match still make a filter, and one that allows nothing denies all.
        if some {
            filter[field] = json!({"action": action.envoy(), "policies": rules});
        }
    }
    match (action, filter.get("shadow_rules")) {
        (Action::Allow, Some(_)) => {
            filter["shadow_rules_stat_prefix"] = json!("istio_dry_run_allow_");
        }
        (Action::Deny, Some(_)) => {
            filter["shadow_rules_stat_prefix"] = json!("istio_dry_run_deny_");
        }
        _ => {}
    }
    Ok(filter)
}

fn policy_rules(policy: &Policy, domains: &Domains) -> Result<Vec<(String, Value)>, String> {
    let id = |index: usize| {
        format!(
            "ns[{}]-policy[{}]-rule[{index}]",
            policy.namespace, policy.name
        )
    };
    if policy.rules.is_empty() {
        let never = json!({
            "permissions": [{"not_rule": {"any": true}}],
            "principals": [{"not_id": {"any": true}}],
        });
        return Ok(vec![(id(0), never)]);
    }
    let rules = policy.rules.iter().enumerate();
    rules
        .map(|(index, rule)| {
            let made = envoy_policy(rule, &policy.namespace, domains);
            Ok((
                id(index),
                made.map_err(|problem| format!("{}: {problem}", id(index)))?,
            ))
        })
        .collect()
}

/// `when` stands in every branch of `from` and `to`, on the side it is about.
fn envoy_policy(rule: &Rule, namespace: &str, domains: &Domains) -> Result<Value, String> {
    let when = conditions::split(&rule.when, namespace, domains)?;
    let mut permissions = Vec::new();
    for to in &rule.to {
        let mut all = permissions::of(&to.operation)?;
        all.extend(when.permissions.clone());
        permissions.push(and("and_rules", "rules", all));
    }
    if rule.to.is_empty() {
        permissions.push(and("and_rules", "rules", when.permissions));
    }
    let mut principals = Vec::new();
    for from in &rule.from {
        let mut all = principals::of(&from.source, namespace, domains)?;
        all.extend(when.principals.clone());
        principals.push(and("and_ids", "ids", all));
    }
    if rule.from.is_empty() {
        principals.push(and("and_ids", "ids", when.principals));
    }
    Ok(json!({"permissions": permissions, "principals": principals}))
}

fn and(field: &str, list: &str, mut all: Vec<Value>) -> Value {
    if all.is_empty() {
        all.push(json!({"any": true}));
    }
    json!({field: {list: all}})
}

/// Which half of RBAC a condition belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Permission,
    Principal,
}

impl Side {
    /// Values any of which matches, and values none of which does.
    fn condition(
        self,
        values: &[String],
        not_values: &[String],
        matcher: impl Fn(&str) -> Result<Value, String>,
    ) -> Result<Vec<Value>, String> {
        let any = |values: &[String]| -> Result<Option<Value>, String> {
            if values.is_empty() {
                return Ok(None);
            }
            let made = values.iter().map(|value| matcher(value));
            Ok(Some(self.or(made.collect::<Result<_, _>>()?)))
        };
        let mut both = Vec::new();
        both.extend(any(values)?);
        both.extend(any(not_values)?.map(|matched| self.not(matched)));
        Ok(both)
    }

    fn or(self, any: Vec<Value>) -> Value {
        match self {
            Side::Permission => json!({"or_rules": {"rules": any}}),
            Side::Principal => json!({"or_ids": {"ids": any}}),
        }
    }

    fn not(self, matched: Value) -> Value {
        match self {
            Side::Permission => json!({"not_rule": matched}),
            Side::Principal => json!({"not_id": matched}),
        }
    }
}

#[cfg(test)]
mod tests;
