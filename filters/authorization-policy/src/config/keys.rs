//! The keys of `when`.

use sdk_helpers::config::{is_token, nearest};
use sdk_helpers::{At, Problems};

use super::pasted;
use super::values::{Kind, about};
use crate::view::Attribute;

/// All of them; those with brackets take a name in them.
const KEYS: [&str; 15] = [
    "request.headers[]",
    "source.ip",
    "remote.ip",
    "source.namespace",
    "source.serviceAccount",
    "source.principal",
    "source.trustDomain",
    "request.auth.principal",
    "request.auth.audiences",
    "request.auth.presenter",
    "request.auth.claims[]",
    "destination.ip",
    "destination.port",
    "connection.sni",
    "experimental.envoy.filters.*[]",
];

const HEADERS: &str = "request.headers";
const CLAIMS: &str = "request.auth.claims";
const METADATA: &str = "experimental.envoy.filters.";

/// What a key asks for, and how its values are read.
pub(super) fn read(
    key: &str,
    at: &At<'_>,
    problems: &Problems,
) -> Result<(Attribute, Kind), String> {
    Ok(match key {
        "source.ip" => (Attribute::SourceIp, Kind::Address),
        "remote.ip" => (Attribute::RemoteIp, Kind::Address),
        "source.namespace" => (Attribute::Peer, Kind::Namespace),
        "source.serviceAccount" => (Attribute::Peer, Kind::Account),
        "source.principal" => (Attribute::Peer, Kind::Principal),
        "source.trustDomain" => (Attribute::Peer, Kind::TrustDomainKey),
        "request.auth.principal" => (Attribute::Token, Kind::Token),
        "request.auth.audiences" => (claim(&["aud"]), Kind::Text),
        "request.auth.presenter" => (claim(&["azp"]), Kind::Text),
        "destination.ip" => (Attribute::DestinationIp, Kind::Address),
        "destination.port" => (Attribute::DestinationPort, Kind::Port),
        "connection.sni" => (Attribute::Sni, Kind::Text),
        "destination.namespace" => {
            return Err(about(
                key,
                " is no more in Istio: the policy's own namespace takes its place",
            ));
        }
        "destination.name" | "destination.user" => {
            return Err(about(key, " is no more in Istio; it was in v1alpha1 alone"));
        }
        _ if key.starts_with("destination.labels") => {
            return Err(about(
                key,
                " is no more in Istio: the workload selector takes its place",
            ));
        }
        _ => return bracketed(key, at, problems),
    })
}

fn claim(path: &[&str]) -> Attribute {
    Attribute::Claim(path.iter().map(|name| (*name).to_owned()).collect())
}

/// The keys that name something in brackets.
fn bracketed(key: &str, at: &At<'_>, problems: &Problems) -> Result<(Attribute, Kind), String> {
    pasted::warn_of_quotes(key, at, problems);
    let form = |form: &str| format!("`{key}` must have the form `{form}`");
    if let Some(rest) = key.strip_prefix(HEADERS) {
        let name = inner(rest).ok_or_else(|| form("request.headers[name]"))?;
        let name = name.to_ascii_lowercase();
        let bare = name.trim_matches(['"', '\'']) == name;
        if bare && !is_token(name.strip_prefix(':').unwrap_or(&name)) {
            if name.contains(|c: char| c.is_whitespace() || c.is_control()) {
                let shown = name.escape_debug();
                return Err(format!("`{shown}` is not a valid header name"));
            }
            // Istio and Envoy take it.
            problems.warn(at, format!("no request has a header `{name}`"));
        }
        return Ok((Attribute::Header(name.into()), Kind::Header));
    }
    if let Some(rest) = key.strip_prefix(CLAIMS) {
        let whole = inner(rest).ok_or_else(|| match rest.strip_prefix('.') {
            Some(path) => form(&["request.auth.claims[", &path.replace('.', "]["), "]"].concat()),
            None => form("request.auth.claims[name]"),
        })?;
        let path = claim_path(whole);
        if let [name] = path.as_slice() {
            pasted::warn_of_claim(name, at, problems);
        }
        return Ok((claim(&path), Kind::Text));
    }
    if let Some(rest) = key.strip_prefix(METADATA) {
        let (filter, name) = rest
            .strip_suffix(']')
            .and_then(|rest| rest.split_once('['))
            .filter(|(_, name)| !name.is_empty())
            .ok_or_else(|| form("experimental.envoy.filters.<filter>[key]"))?;
        let attribute = Attribute::Metadata {
            namespace: ["envoy.filters.", filter].concat().into(),
            key: name.into(),
        };
        return Ok((attribute, Kind::Metadata));
    }
    let meant = nearest(key.split('[').next().unwrap_or(key), &KEYS);
    let told = match meant {
        Some(meant) => ["; did you mean `", meant, "`?"].concat(),
        None => ["; known are ", &KEYS.join(", ")].concat(),
    };
    Err(about(key, &[" is no key Istio knows", &told].concat()))
}

fn inner(rest: &str) -> Option<&str> {
    let inner = rest.strip_prefix('[')?.strip_suffix(']')?;
    (!inner.is_empty()).then_some(inner)
}

/// `a][b` is `b` in `a`; where brackets stand in each other, all of it is one name, as istiod has it.
fn claim_path(inner: &str) -> Vec<&str> {
    let parts: Vec<&str> = inner.split("][").collect();
    if parts.iter().any(|part| part.contains(['[', ']'])) {
        return vec![inner];
    }
    parts
}
