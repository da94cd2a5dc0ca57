//! Who does it: the sources of a rule.

use serde_json::{Value, json};

use super::Side;
use super::matchers::{Star, claim_value, quoted, range, regex, spiffe, star};
use super::policy::Source;
use super::trust::Domains;

/// The conditions of one source.
pub(super) fn of(
    source: &Source,
    namespace: &str,
    domains: &Domains,
) -> Result<Vec<Value>, String> {
    let side = Side::Principal;
    let mut all = peers(&source.principals, &source.not_principals, domains)?;
    all.extend(side.condition(
        &source.request_principals,
        &source.not_request_principals,
        |value| Ok(request_principal(value)),
    )?);
    all.extend(side.condition(
        &source.service_accounts,
        &source.not_service_accounts,
        |value| Ok(service_account(value, namespace)),
    )?);
    all.extend(trust_domains(
        &source.trust_domains,
        &source.not_trust_domains,
        domains,
    )?);
    all.extend(
        side.condition(&source.namespaces, &source.not_namespaces, |value| {
            Ok(peer_namespace(value))
        })?,
    );
    all.extend(side.condition(
        &source.remote_ip_blocks,
        &source.not_remote_ip_blocks,
        remote_ip,
    )?);
    all.extend(side.condition(&source.ip_blocks, &source.not_ip_blocks, direct_ip)?);
    Ok(all)
}

/// Peers by principal, under every name their trust domain goes by.
pub(super) fn peers(
    values: &[String],
    not_values: &[String],
    domains: &Domains,
) -> Result<Vec<Value>, String> {
    Side::Principal.condition(
        &domains.principals(values),
        &domains.principals(not_values),
        |value| Ok(authenticated(&spiffe(value))),
    )
}

/// Peers by trust domain.
pub(super) fn trust_domains(
    values: &[String],
    not_values: &[String],
    domains: &Domains,
) -> Result<Vec<Value>, String> {
    Side::Principal.condition(
        &domains.expanded(values),
        &domains.expanded(not_values),
        |value| Ok(authenticated(&trust_domain(value))),
    )
}

/// A peer whose certificate has a matching URI SAN, else DNS SAN, else subject.
fn authenticated(name: &Value) -> Value {
    json!({"authenticated": {"principal_name": name}})
}

/// A star stands for anything, anywhere and as often as there are stars.
pub(super) fn peer_namespace(value: &str) -> Value {
    let pattern: Vec<String> = value.split('*').map(quoted).collect();
    authenticated(&regex(&format!(".*/ns/{}/.*", pattern.join(".*"))))
}

/// `account`, in the namespace of the policy, or `namespace/account`.
pub(super) fn service_account(value: &str, namespace: &str) -> Value {
    let (namespace, account) = value.split_once('/').unwrap_or((namespace, value));
    authenticated(&regex(&format!(
        "spiffe://.+/ns/{}/(.+/|)sa/{}(/.+)?",
        quoted(namespace),
        quoted(account)
    )))
}

fn trust_domain(value: &str) -> Value {
    match value.split_once('*') {
        None => json!({"prefix": format!("spiffe://{value}/")}),
        Some(("", "")) => json!({"prefix": "spiffe://"}),
        Some((before, after)) => regex(&format!(
            "spiffe://{}[^/]*{}/.*",
            quoted(before),
            quoted(after)
        )),
    }
}

pub(super) fn direct_ip(value: &str) -> Result<Value, String> {
    Ok(json!({"direct_remote_ip": range(value)?}))
}

pub(super) fn remote_ip(value: &str) -> Result<Value, String> {
    Ok(json!({"remote_ip": range(value)?}))
}

/// The issuer and the subject of a token with a slash between them, the last one of the value.
pub(super) fn request_principal(value: &str) -> Value {
    let any = || regex(".+");
    let exact = |text: &str| json!({"exact": text});
    let (issuer, subject) = match (star(value), value.rsplit_once('/')) {
        (Star::Any, _) => (any(), any()),
        (Star::Suffix(_), Some(("*", subject))) => (any(), exact(subject)),
        (Star::Suffix(_), Some((issuer, subject))) => (
            json!({"suffix": issuer.strip_prefix('*').unwrap_or(issuer)}),
            exact(subject),
        ),
        (Star::Suffix(suffix), None) => (any(), json!({"suffix": suffix})),
        (Star::Prefix(_), Some((issuer, "*"))) => (exact(issuer), any()),
        (Star::Prefix(_), Some((issuer, subject))) => (
            exact(issuer),
            json!({"prefix": subject.strip_suffix('*').unwrap_or(subject)}),
        ),
        (Star::Prefix(prefix), None) => (json!({"prefix": prefix}), any()),
        (Star::Exact(_), Some((issuer, subject))) => (exact(issuer), exact(subject)),
        (Star::Exact(_), None) => (exact(value), exact("")),
    };
    let claim = |name: &str, matcher: Value| {
        claim_value(&[name.to_owned()], &json!({"string_match": matcher}))
    };
    json!({"and_ids": {"ids": [claim("iss", issuer), claim("sub", subject)]}})
}
