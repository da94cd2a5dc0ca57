//! The values of a policy as Envoy's matchers.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::CLAIMS;

/// A value with at most one meaningful star, at its start or its end: Envoy's StringMatcher.
pub(super) fn text(value: &str) -> Value {
    match star(value) {
        Star::Any => regex(".+"),
        Star::Suffix(suffix) => json!({"suffix": suffix}),
        Star::Prefix(prefix) => json!({"prefix": prefix}),
        Star::Exact(exact) => json!({"exact": exact}),
    }
}

/// The same with `spiffe://` before it.
pub(super) fn spiffe(value: &str) -> Value {
    match star(value) {
        Star::Any => regex(".+"),
        Star::Suffix(suffix) => regex(&format!("spiffe://.*{}", quoted(suffix))),
        Star::Prefix(prefix) => json!({"prefix": format!("spiffe://{prefix}")}),
        Star::Exact(exact) => json!({"exact": format!("spiffe://{exact}")}),
    }
}

/// A header, where `*` asks for no more than its presence.
pub(super) fn header(name: &str, value: &str) -> Value {
    match star(value) {
        Star::Any => json!({"name": name, "present_match": true}),
        _ => json!({"name": name, "string_match": text(value)}),
    }
}

/// The authority, whatever its case.
pub(super) fn host(value: &str) -> Value {
    let mut matcher = header(":authority", value);
    if let Some(text) = matcher.get_mut("string_match") {
        text["ignore_case"] = json!(true);
    }
    matcher
}

/// A claim that is a matching string, or a list with a matching string in it.
pub(super) fn claim(path: &[String], values: &[String]) -> Value {
    let mut any: Vec<Value> = values
        .iter()
        .map(|value| json!({"string_match": text(value)}))
        .collect();
    let one = match any.len() {
        1 => any.remove(0),
        _ => json!({"or_match": {"value_matchers": any}}),
    };
    claim_value(
        path,
        &json!({"or_match": {"value_matchers": [{"list_match": {"one_of": one}}, one]}}),
    )
}

/// A claim whose value matches as it is.
pub(super) fn claim_value(path: &[String], value: &Value) -> Value {
    let (namespace, payload) = CLAIMS;
    let mut keys = vec![json!({"key": payload})];
    keys.extend(path.iter().map(|key| json!({"key": key})));
    json!({"metadata": {"filter": namespace, "path": keys, "value": value}})
}

/// A regular expression, which has to match all of a text.
pub(super) fn regex(pattern: &str) -> Value {
    json!({"safe_regex": {"regex": pattern}})
}

/// A text that a regular expression takes as it is.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for character in text.chars() {
        if character.is_ascii_punctuation() {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}

/// An address, or a range of them whose host bits do not count.
pub(super) fn range(value: &str) -> Result<Value, String> {
    let (address, length) = match value.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (value, None),
    };
    let wrong = || format!("`{value}` is no address and no range of addresses");
    let ip: IpAddr = address.parse().map_err(|_| wrong())?;
    let most = if ip.is_ipv4() { 32 } else { 128 };
    let length = match length {
        Some(length) => length.parse::<u8>().map_err(|_| wrong())?,
        None => most,
    };
    if length > most {
        return Err(wrong());
    }
    Ok(json!({"address_prefix": address, "prefix_len": length}))
}

/// A port in decimal.
pub(super) fn port(value: &str) -> Result<Value, String> {
    let port: Option<u16> = value.parse().ok();
    let port = port.filter(|_| value.bytes().all(|byte| byte.is_ascii_digit()));
    port.map(Value::from)
        .ok_or_else(|| format!("`{value}` is no port"))
}

/// Where the star of a value stands; one at the start comes first.
pub(super) enum Star<'a> {
    Any,
    Suffix(&'a str),
    Prefix(&'a str),
    Exact(&'a str),
}

pub(super) fn star(value: &str) -> Star<'_> {
    if value == "*" {
        Star::Any
    } else if let Some(suffix) = value.strip_prefix('*') {
        Star::Suffix(suffix)
    } else if let Some(prefix) = value.strip_suffix('*') {
        Star::Prefix(prefix)
    } else {
        Star::Exact(value)
    }
}
