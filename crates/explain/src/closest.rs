//! The rule that came closest to allowing a request, in the words of its policy: what was wanted where it
//! failed, and what the request had.

use std::collections::HashMap;

use sdk_helpers::Request;
use sdk_helpers::claims::{self, Claims};
use sdk_helpers::config::snake;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::secrets::{MASK, Secrets};
use crate::world::Stream;

/// The condition that failed first in the rule that came closest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Closest {
    /// The policy: `<namespace>/<name>`.
    pub policy: String,
    /// The condition in it: `rules[0].to[0].operation.paths`.
    pub condition: String,
    /// The entry of `when` that it is, where it is one: `request.headers[x-plan]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What it lists.
    pub wanted: Vec<String>,
    /// What the request has; none where it has nothing of the kind.
    pub seen: Option<String>,
}

/// The policies as they are written, by the names that reasons have for them.
#[derive(Debug, Default)]
pub(crate) struct Written(HashMap<String, Value>);

impl Written {
    /// Finds the policies of a configuration.
    pub(crate) fn of(tree: &Value) -> Self {
        Written(policies(tree).into_iter().collect())
    }

    /// What a reason such as `no_allow:shop/viewer.rules[0].to[0].operation.paths` says.
    pub(crate) fn closest(
        &self,
        policy: &str,
        place: &str,
        request: &Request,
        stream: &Stream,
        claims: Option<&Claims>,
        secrets: &Secrets,
    ) -> Option<Closest> {
        let condition = place.strip_prefix('.')?;
        let (parent, field) = condition.rsplit_once('.')?;
        let spec = self.0.get(policy)?;
        let map = at(spec, parent)?.as_object()?;
        let wanted = list(map, field);
        let key = map.get("key").and_then(Value::as_str).map(str::to_owned);
        let seen = match &key {
            Some(key) => by_key(key, request, stream, claims, secrets),
            None => by_field(field, request, stream, claims, secrets),
        };
        let secret = key.as_deref().is_some_and(|key| {
            header_of(key).is_some_and(|name| secrets.header(name, b"x") == MASK)
        });
        Some(Closest {
            policy: policy.to_owned(),
            condition: condition.to_owned(),
            wanted: match secret {
                true => vec![MASK.to_owned()],
                false => wanted.iter().map(|value| secrets.text(value)).collect(),
            },
            seen,
            key,
        })
    }
}

/// The policies of a configuration, each with the name that reasons have for it and its `spec`, in order.
pub(crate) fn policies(tree: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    visit(tree, &mut found);
    found
}

fn visit(tree: &Value, found: &mut Vec<(String, Value)>) {
    match tree {
        Value::Array(list) => {
            for (index, entry) in list.iter().enumerate() {
                found.extend(policy(entry, index));
                visit(entry, found);
            }
        }
        Value::Object(map) => {
            for part in ["authorizationPolicy", "resources", "policies", "items"] {
                map.get(part)
                    .into_iter()
                    .for_each(|tree| visit(tree, found));
            }
        }
        _ => {}
    }
}

fn policy(entry: &Value, index: usize) -> Option<(String, Value)> {
    let of = |place: &Value, name: &str| place.get(name).and_then(Value::as_str).map(str::to_owned);
    let (meta, spec) = match (entry.get("metadata"), entry.get("spec")) {
        (meta, Some(spec)) => (meta.unwrap_or(&Value::Null), spec),
        _ => (entry, entry),
    };
    spec.get("rules")?;
    let name = of(meta, "name").unwrap_or_else(|| format!("policy-{index}"));
    let name = match of(meta, "namespace") {
        Some(namespace) => [&namespace, "/", &name].concat(),
        None => name,
    };
    Some((name, spec.clone()))
}

/// What stands at a path in a policy; names in either spelling.
fn at<'a>(spec: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(spec, |value, step| {
        let (name, index) = match step.split_once('[') {
            Some((name, index)) => (name, Some(index.strip_suffix(']')?.parse::<usize>().ok()?)),
            None => (step, None),
        };
        let value = value.get(name).or_else(|| value.get(snake(name)))?;
        match index {
            Some(index) => value.get(index),
            None => Some(value),
        }
    })
}

fn list(map: &Map<String, Value>, field: &str) -> Vec<String> {
    let value = map.get(field).or_else(|| map.get(&snake(field)));
    let entries = value.and_then(Value::as_array).into_iter().flatten();
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    entries.map(text).collect()
}

fn by_field(
    field: &str,
    request: &Request,
    stream: &Stream,
    claims: Option<&Claims>,
    secrets: &Secrets,
) -> Option<String> {
    let text = |bytes: &[u8]| Some(secrets.text(&String::from_utf8_lossy(bytes)));
    let without_not = field
        .strip_prefix("not")
        .unwrap_or(field)
        .to_ascii_lowercase();
    match without_not.as_str() {
        "paths" => text(request.path()),
        "methods" => text(request.method()),
        "hosts" => text(request.authority()),
        "ports" => Some(stream.port.to_string()),
        "principals" | "namespaces" | "serviceaccounts" | "trustdomains" => stream.peer.clone(),
        "ipblocks" => Some(stream.direct.clone()),
        "remoteipblocks" => Some(without_port(&stream.client)),
        "requestprincipals" => principal(claims?),
        _ => None,
    }
}

fn by_key(
    key: &str,
    request: &Request,
    stream: &Stream,
    claims: Option<&Claims>,
    secrets: &Secrets,
) -> Option<String> {
    if let Some(name) = header_of(key) {
        let name = name.to_ascii_lowercase();
        let values = request
            .values(&name)
            .map(|value| secrets.header(&name, value));
        let values: Vec<String> = values.collect();
        return (!values.is_empty()).then(|| values.join(", "));
    }
    if let Some(claim) = key.strip_prefix("request.auth.claims") {
        return shown(claims?, &claims::path(claim)?);
    }
    let field = match key {
        "source.ip" => "ipBlocks",
        "remote.ip" => "remoteIpBlocks",
        "destination.port" => "ports",
        "request.auth.principal" => "requestPrincipals",
        "request.auth.audiences" => return shown(claims?, &["aud".to_owned()]),
        "request.auth.presenter" => return shown(claims?, &["azp".to_owned()]),
        key if key.starts_with("source.") => "principals",
        _ => return None,
    };
    by_field(field, request, stream, claims, secrets)
}

fn header_of(key: &str) -> Option<&str> {
    key.strip_prefix("request.headers[")?.strip_suffix(']')
}

fn shown(claims: &Claims, path: &[String]) -> Option<String> {
    let text = claims.text(path)?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

fn principal(claims: &Claims) -> Option<String> {
    let of = |name: &str| claims.at(&[name.to_owned()])?.as_str();
    Some([of("iss")?, "/", of("sub")?].concat())
}

fn without_port(address: &str) -> String {
    let address = address
        .rsplit_once(':')
        .map_or(address, |(address, _)| address);
    address.trim_matches(['[', ']']).to_owned()
}
