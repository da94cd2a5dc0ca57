//! Requests made up from what rules ask for. Whether one reaches its rule is for the filter to say.

use sdk_helpers::config::snake;
use serde_json::{Map, Value};

use super::sketch::Sketch;

/// One or more for everything in a configuration that looks like a rule, in order.
pub(super) fn of(config: &Value) -> Vec<Map<String, Value>> {
    let mut all = Vec::new();
    walk(config, &mut all);
    all.into_iter().map(Sketch::into_case).collect()
}

/// What no rule is likely to ask for.
pub(super) fn of_nobody() -> Vec<Map<String, Value>> {
    let mut other = Sketch::default();
    other.path("/nothing-matches".to_owned());
    let mut strange = other.clone();
    strange.method("OPTIONS".to_owned());
    strange.authority("nothing.example".to_owned());
    let all = [Sketch::default(), other, strange];
    all.into_iter().map(Sketch::into_case).collect()
}

fn walk(tree: &Value, all: &mut Vec<Sketch>) {
    match tree {
        Value::Array(list) => list.iter().for_each(|it| walk(it, all)),
        Value::Object(map) => {
            if ["from", "to", "when"]
                .iter()
                .any(|name| map.get(*name).is_some_and(Value::is_array))
            {
                rule(map, all);
            }
            if let Some(fault) = map.get("fault") {
                matches(map, all, |sketch| {
                    if fault.is_object() {
                        sketch.lowest_rolls();
                    }
                });
            }
            if let Some(times) = limit(map) {
                matches(map, all, |sketch| {
                    keys(map, sketch);
                    sketch.before(times);
                });
            }
            map.values().for_each(|it| walk(it, all));
        }
        _ => {}
    }
}

/// How many ways to fulfil a rule are tried.
const WAYS: usize = 8;

/// A rule of an AuthorizationPolicy: one of `from`, one of `to`, and all of `when`.
fn rule(rule: &Map<String, Value>, all: &mut Vec<Sketch>) {
    let nothing = [Value::Null];
    let either = |name: &str| match rule.get(name).and_then(Value::as_array) {
        Some(list) if !list.is_empty() => list.clone(),
        _ => nothing.to_vec(),
    };
    let (from, to) = (either("from"), either("to"));
    let ways = from
        .iter()
        .flat_map(|from| to.iter().map(move |to| (from, to)));
    for (from, to) in ways.take(WAYS) {
        let mut sketch = Sketch::default();
        if let Some(source) = from.get("source") {
            self::source(source, &mut sketch);
        }
        if let Some(operation) = to.get("operation") {
            self::operation(operation, &mut sketch);
        }
        for when in list(rule.get("when")) {
            if let (Some(key), Some(value)) = (text(when, "key"), first(when, "values")) {
                condition(key, value, &mut sketch);
            }
        }
        all.push(sketch);
    }
}

fn operation(operation: &Value, sketch: &mut Sketch) {
    if let Some(method) = first(operation, "methods") {
        sketch.method(method);
    }
    if let Some(path) = first(operation, "paths") {
        sketch.path(path);
    }
    if let Some(host) = first(operation, "hosts") {
        sketch.authority(host);
    }
    if let Some(port) = first(operation, "ports").and_then(|port| port.parse::<u16>().ok()) {
        sketch.attribute("destination/port", port);
    }
}

fn source(source: &Value, sketch: &mut Sketch) {
    if let Some(namespace) = first(source, "namespaces") {
        sketch.peer(&format!("cluster.local/ns/{namespace}/sa/any"));
    }
    if let Some(account) = first(source, "serviceAccounts") {
        let (namespace, name) = account.split_once('/').unwrap_or(("default", &account));
        sketch.peer(&format!("cluster.local/ns/{namespace}/sa/{name}"));
    }
    if let Some(principal) = first(source, "principals") {
        sketch.peer(&principal);
    }
    if let Some(principal) = first(source, "requestPrincipals") {
        request_principal(&principal, sketch);
    }
    if let Some(block) = first(source, "remoteIpBlocks") {
        sketch.attribute("source/address", with_port(address(&block)));
    }
    if let Some(block) = first(source, "ipBlocks") {
        sketch.attribute("filter_state/mesh_filters.peer.address", address(&block));
    }
}

fn condition(key: &str, value: String, sketch: &mut Sketch) {
    let (name, inner) = match key.split_once('[') {
        Some((name, rest)) => (name, rest.trim_end_matches(']')),
        None => (key, ""),
    };
    match name {
        "request.headers" => sketch.header(inner, value),
        "request.auth.claims" => {
            let path: Vec<&str> = inner.split("][").collect();
            sketch.claim(&path, value);
        }
        "request.auth.principal" => request_principal(&value, sketch),
        "request.auth.audiences" => sketch.claim(&["aud"], value),
        "request.auth.presenter" => sketch.claim(&["azp"], value),
        "source.principal" => sketch.peer(&value),
        "source.namespace" => sketch.peer(&format!("cluster.local/ns/{value}/sa/any")),
        "source.ip" => {
            sketch.attribute("filter_state/mesh_filters.peer.address", address(&value));
        }
        "remote.ip" => sketch.attribute("source/address", with_port(address(&value))),
        "destination.ip" => sketch.attribute("destination/address", with_port(address(&value))),
        "destination.port" => {
            if let Ok(port) = value.parse::<u16>() {
                sketch.attribute("destination/port", port);
            }
        }
        "connection.sni" => sketch.attribute("connection/requested_server_name", value),
        _ => {}
    }
}

fn request_principal(principal: &str, sketch: &mut Sketch) {
    let (issuer, subject) = principal.rsplit_once('/').unwrap_or((principal, ""));
    let or = |text: &str, other: &str| {
        if text.is_empty() {
            other.to_owned()
        } else {
            text.to_owned()
        }
    };
    sketch.claim(&["iss"], or(issuer, "https://issuer.example"));
    sketch.claim(&["sub"], or(subject, "somebody"));
}

fn address(block: &str) -> String {
    block.split('/').next().unwrap_or_default().to_owned()
}

fn with_port(address: String) -> String {
    match address.contains(':') {
        true => format!("[{address}]:1024"),
        false => format!("{address}:1024"),
    }
}

/// A request for each entry of `match`; for any where there is none.
fn matches(map: &Map<String, Value>, all: &mut Vec<Sketch>, more: impl Fn(&mut Sketch)) {
    let given = list(map.get("match"));
    let any = [Value::Null];
    let entries = if given.is_empty() { &any } else { given };
    for entry in entries.iter().take(WAYS) {
        let mut sketch = Sketch::default();
        self::entry(entry, &mut sketch);
        more(&mut sketch);
        all.push(sketch);
    }
}

/// An HTTPMatchRequest of Istio's.
fn entry(entry: &Value, sketch: &mut Sketch) {
    let of = |name: &str| entry.get(name).and_then(string);
    if let Some(path) = of("uri") {
        sketch.path(path);
    }
    if let Some(method) = of("method") {
        sketch.method(method);
    }
    if let Some(authority) = of("authority") {
        sketch.authority(authority);
    }
    for (name, value) in pairs(entry, "headers") {
        sketch.header(name, value);
    }
    for (name, value) in pairs(entry, "queryParams") {
        sketch.query(name, &value);
    }
    for (name, value) in pairs(entry, "claims") {
        sketch.claim(&[name], value);
    }
}

fn pairs<'a>(entry: &'a Value, name: &str) -> Vec<(&'a str, String)> {
    let map = get(entry, name).and_then(Value::as_object);
    let pairs = map.into_iter().flatten();
    pairs
        .map(|(name, matched)| {
            (
                name.as_str(),
                string(matched).unwrap_or_else(|| "any".to_owned()),
            )
        })
        .collect()
}

/// A text that a StringMatch takes; of a regex the text that it is without what begins, ends and fills it.
fn string(matched: &Value) -> Option<String> {
    let of = |name: &str| matched.get(name).and_then(Value::as_str);
    if let Some(text) = of("exact").or(of("prefix")).or(of("suffix")) {
        return Some(text.to_owned());
    }
    let regex = of("regex")?.trim_start_matches('^').trim_end_matches('$');
    Some(regex.replace(".*", "").replace(".+", "x").replace('\\', ""))
}

/// More requests than this before one are too many for a first case.
const MOST: u64 = 10_000;

/// How many requests a limit lets pass at once.
fn limit(map: &Map<String, Value>) -> Option<u64> {
    let number = |name: &str| map.get(name).and_then(Value::as_u64);
    map.get("per")?;
    let requests = number("requests")?;
    Some(number("burst").unwrap_or(requests)).filter(|times| *times <= MOST)
}

/// The parts of a limit's key.
fn keys(map: &Map<String, Value>, sketch: &mut Sketch) {
    for part in list(map.get("key")) {
        if let Some(name) = text(part, "header") {
            sketch.header(name, "any".to_owned());
        }
        if let Some(name) = text(part, "claim") {
            sketch.claim(&[name], "any".to_owned());
        }
        if let Some(name) = text(part, "cookie") {
            sketch.header("cookie", format!("{name}=any"));
        }
        if let Some(name) = text(part, "query") {
            sketch.query(name, "any");
        }
    }
}

/// The first of a list of patterns, as a text that it takes.
fn first(of: &Value, name: &str) -> Option<String> {
    let pattern = get(of, name)?.as_array()?.first()?.as_str()?;
    Some(match pattern {
        "*" => "any".to_owned(),
        pattern => pattern
            .replace("*.", "any.")
            .replace("{**}", "any")
            .replace("{*}", "any")
            .trim_matches('*')
            .to_owned(),
    })
}

/// A field in either spelling.
fn get<'a>(of: &'a Value, name: &str) -> Option<&'a Value> {
    of.get(name).or_else(|| of.get(snake(name)))
}

fn text<'a>(of: &'a Value, name: &str) -> Option<&'a str> {
    get(of, name).and_then(Value::as_str)
}

fn list(of: Option<&Value>) -> &[Value] {
    of.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
