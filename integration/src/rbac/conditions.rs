//! The `when` of a rule, each condition on the side of RBAC that it is about.

use serde_json::{Value, json};

use super::Side;
use super::matchers::{claim, header, port, range, text};
use super::policy::Condition;
use super::principals::{
    direct_ip, peer_namespace, peers, remote_ip, request_principal, service_account, trust_domains,
};
use super::trust::Domains;

/// Conditions by side.
#[derive(Debug, Default)]
pub(super) struct When {
    pub(super) permissions: Vec<Value>,
    pub(super) principals: Vec<Value>,
}

pub(super) fn split(
    conditions: &[Condition],
    namespace: &str,
    domains: &Domains,
) -> Result<When, String> {
    let mut when = When::default();
    for condition in conditions {
        match permission(condition)? {
            Some(made) => when.permissions.extend(made),
            None => when
                .principals
                .extend(principal(condition, namespace, domains)?),
        }
    }
    Ok(when)
}

fn permission(condition: &Condition) -> Result<Option<Vec<Value>>, String> {
    let Condition {
        key,
        values,
        not_values,
    } = condition;
    let side = Side::Permission;
    let made = match key.as_str() {
        "destination.ip" => side.condition(values, not_values, |value| {
            Ok(json!({"destination_ip": range(value)?}))
        }),
        "destination.port" => side.condition(values, not_values, |value| {
            Ok(json!({"destination_port": port(value)?}))
        }),
        "connection.sni" => side.condition(values, not_values, |value| {
            Ok(json!({"requested_server_name": text(value)}))
        }),
        _ => match key.strip_prefix("experimental.") {
            Some(rest) if rest.starts_with("envoy.filters.") => {
                let (namespace, name) = rest
                    .strip_suffix(']')
                    .unwrap_or(rest)
                    .split_once('[')
                    .ok_or_else(|| format!("`{key}` names no key"))?;
                side.condition(values, not_values, |value| {
                    Ok(metadata(namespace, name, value))
                })
            }
            _ => return Ok(None),
        },
    };
    made.map(Some)
}

/// `[v]` is looked for in a list.
fn metadata(namespace: &str, key: &str, value: &str) -> Value {
    let matcher = if value.starts_with('[') && value.ends_with(']') {
        let inner = value.trim_matches(['[', ']']);
        json!({"list_match": {"one_of": {"string_match": text(inner)}}})
    } else {
        json!({"string_match": text(value)})
    };
    json!({"metadata": {"filter": namespace, "path": [{"key": key}], "value": matcher}})
}

fn principal(
    condition: &Condition,
    namespace: &str,
    domains: &Domains,
) -> Result<Vec<Value>, String> {
    let Condition {
        key,
        values,
        not_values,
    } = condition;
    let side = Side::Principal;
    match key.as_str() {
        "source.ip" => side.condition(values, not_values, direct_ip),
        "remote.ip" => side.condition(values, not_values, remote_ip),
        "source.namespace" => side.condition(values, not_values, |value| Ok(peer_namespace(value))),
        "source.serviceAccount" => side.condition(values, not_values, |value| {
            Ok(service_account(value, namespace))
        }),
        "source.principal" => peers(values, not_values, domains),
        "source.trustDomain" => trust_domains(values, not_values, domains),
        "request.auth.principal" => {
            side.condition(values, not_values, |value| Ok(request_principal(value)))
        }
        "request.auth.audiences" => Ok(claims(&["aud".to_owned()], values, not_values)),
        "request.auth.presenter" => Ok(claims(&["azp".to_owned()], values, not_values)),
        _ => {
            if let Some(name) = key.strip_prefix("request.headers") {
                let name = in_brackets(name).ok_or_else(|| format!("`{key}` names no header"))?;
                return side.condition(values, not_values, |value| {
                    Ok(json!({"header": header(name, value)}))
                });
            }
            let path = key
                .strip_prefix("request.auth.claims")
                .and_then(claim_path)
                .ok_or_else(|| format!("`{key}` is no attribute"))?;
            Ok(claims(&path, values, not_values))
        }
    }
}

fn claims(path: &[String], values: &[String], not_values: &[String]) -> Vec<Value> {
    let mut both = Vec::new();
    if !values.is_empty() {
        both.push(claim(path, values));
    }
    if !not_values.is_empty() {
        both.push(json!({"not_id": claim(path, not_values)}));
    }
    both
}

fn in_brackets(text: &str) -> Option<&str> {
    text.strip_prefix('[')?.strip_suffix(']')
}

/// `[a][b]` is a path; brackets that do not pair up that way are part of one name.
fn claim_path(text: &str) -> Option<Vec<String>> {
    let inner = in_brackets(text)?;
    let parts: Vec<&str> = inner.split("][").collect();
    if parts.iter().any(|part| part.contains(['[', ']'])) {
        return Some(vec![inner.to_owned()]);
    }
    Some(parts.into_iter().map(str::to_owned).collect())
}
