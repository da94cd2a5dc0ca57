//! Envoy's own CEL on the corpus that the interpreter of the native tests answers too.

use std::collections::BTreeMap;
use std::time::Duration;

use integration::client::Client;
use integration::envoy::{Envoy, repository};
use integration::listener::{Listener, bootstrap};
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{Decision, Exchange, Filter, Headers, Request, Response, load};
use serde_json::{Value, json};
use telemetry_tags::TelemetryTags;

/// The request that all expressions are about.
const HEADERS: [(&str, &str); 3] = [("x-user", "alice"), ("x-many", "a"), ("x-many", "b")];

fn tags(expressions: &[String]) -> Value {
    let tag = |(index, expression)| json!({"name": format!("tag-{index}"), "expression": expression, "label": false});
    let tags: Vec<Value> = expressions.iter().enumerate().map(tag).collect();
    json!({"tags": tags})
}

/// What Envoy makes of each.
fn in_envoy(expressions: &[String]) -> Vec<Option<String>> {
    let mut listener = Listener::new("corpus").module("telemetry-tags", &tags(expressions));
    for index in 0..expressions.len() {
        let name = format!("tag-{index}");
        let format = format!("%FILTER_STATE(wasm.mesh_filters.tag.{name}:PLAIN)%");
        listener = listener.log(&name, &format);
    }
    let envoy = Envoy::builder(bootstrap(vec![listener], []))
        .args(["--file-flush-interval-msec", "10"])
        .start();
    let mut call = Client::http1(envoy.addr("corpus"))
        .method("GET", "/api/orders/7?x=1")
        .authority("app.example");
    for (name, value) in HEADERS {
        call = call.header(name, value);
    }
    assert_eq!(call.send().status, 200);
    let line = envoy.wait_log("\"tag-0\":", Duration::from_secs(10));
    let line: Value = serde_json::from_str(&line[line.find('{').unwrap()..]).unwrap();
    let value = |index| line[format!("tag-{index}")].as_str().map(str::to_owned);
    (0..expressions.len()).map(value).collect()
}

/// What the interpreter of the native tests makes of each.
fn natively(expressions: &[String]) -> Vec<Option<String>> {
    let config = tags(expressions).to_string();
    let filter = load::<TelemetryTags>(config.as_bytes())
        .unwrap_or_else(|errors| panic!("{errors:?}"))
        .filter;
    let world = FakeWorld::new();
    for (path, text) in [
        ("path", "/api/orders/7?x=1"),
        ("url_path", "/api/orders/7"),
        ("query", "x=1"),
        ("host", "app.example"),
        ("method", "GET"),
    ] {
        world.set_property(&["request", path], text);
    }
    world.set_property(&["response", "code"], 200_i64.to_le_bytes());
    world.set_property(&["connection", "mtls"], [0]);
    let pseudo = [
        (":method", "GET"),
        (":path", "/api/orders/7?x=1"),
        (":scheme", "http"),
        (":authority", "app.example"),
    ];
    let request = Request::new(Headers::from_pairs(pseudo.iter().chain(&HEADERS).copied()));
    let response = Response::new(Headers::from_pairs([(":status", "200")]));
    let mut memory = Default::default();
    let Decision::Continue(edits) = filter.on_request(&request, &world, &mut memory) else {
        panic!("telemetry answers nothing")
    };
    let exchange = Exchange {
        request: &request,
        response: &response,
    };
    let records = [
        edits.record,
        filter.on_response(&response, &world, &mut memory).record,
        filter.on_end(&exchange, &world, &mut memory),
    ];
    let states = records.into_iter().flat_map(|record| record.state);
    let states: BTreeMap<String, String> = states
        .map(|(key, value)| (key.to_string(), String::from_utf8(value).unwrap()))
        .collect();
    let value = |index| {
        states
            .get(&format!("mesh_filters.tag.tag-{index}"))
            .cloned()
    };
    (0..expressions.len()).map(value).collect()
}

#[test]
fn envoy_gives_what_the_corpus_says() {
    let path = repository().join("filters/telemetry-tags/tests/expressions.json");
    let corpus: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let values = corpus["values"].as_array().unwrap();
    let expressions = values
        .iter()
        .map(|entry| entry[0].as_str().unwrap().to_owned());
    let expressions: Vec<String> = expressions.collect();
    let mut wrong = Vec::new();
    for (entry, seen) in values.iter().zip(in_envoy(&expressions)) {
        let expected = entry[1].as_str().unwrap_or("unknown");
        if seen.as_deref() != Some(expected) {
            wrong.push(format!("{}: {seen:?}, not {expected}", entry[0]));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Expressions that nobody thought of: whatever ours accepts, Envoy accepts, and both engines give the same.
#[test]
fn envoy_and_the_interpreter_agree_on_generated_expressions() {
    for seed in 1..=4 {
        agree(seed);
    }
}

fn agree(seed: u64) {
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut expressions: Vec<String> = (0..190)
        .map(|number| match number % 3 {
            0 => text(&mut dice, 3),
            1 => whole(&mut dice, 3),
            _ => flag(&mut dice, 3),
        })
        .collect();
    expressions.sort_unstable();
    expressions.dedup();
    let (envoy, native) = (in_envoy(&expressions), natively(&expressions));
    let mut wrong = Vec::new();
    for ((expression, envoy), native) in expressions.iter().zip(&envoy).zip(&native) {
        if envoy != native {
            wrong.push(format!("{expression}: {envoy:?}, natively {native:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let known = envoy.iter().flatten().filter(|value| *value != "unknown");
    assert!(known.count() > expressions.len() / 3, "{envoy:?}");
}

fn one<'a>(dice: &mut fastrand::Rng, of: &[&'a str]) -> &'a str {
    of[dice.usize(..of.len())]
}

fn text(dice: &mut fastrand::Rng, depth: u32) -> String {
    let leaves = [
        "'a'",
        "'api'",
        "''",
        "'caf\u{e9}'",
        "'GET'",
        "\"it's\"",
        "request.method",
        "request.url_path",
        "request.host",
        "request.query",
        "request.headers['x-user']",
        "request.headers['x-many']",
        "request.headers['x-none']",
        "request.referer",
    ];
    match dice.u32(..if depth == 0 { 3 } else { 6 }) {
        3 => format!("({} + {})", text(dice, depth - 1), text(dice, depth - 1)),
        4 => format!(
            "({} ? {} : {})",
            flag(dice, depth - 1),
            text(dice, depth - 1),
            text(dice, depth - 1)
        ),
        5 => format!("string({})", whole(dice, depth - 1)),
        _ => one(dice, &leaves).to_owned(),
    }
}

fn whole(dice: &mut fastrand::Rng, depth: u32) -> String {
    let leaves = [
        "0",
        "1",
        "7",
        "-3",
        "200",
        "response.code",
        "int('12')",
        "int('x')",
    ];
    match dice.u32(..if depth == 0 { 2 } else { 6 }) {
        2 => {
            let operator = one(dice, &["+", "-", "*", "/", "%"]);
            format!(
                "({} {operator} {})",
                whole(dice, depth - 1),
                whole(dice, depth - 1)
            )
        }
        3 => format!("size({})", text(dice, depth - 1)),
        4 => format!("{}.size()", text(dice, depth - 1)),
        5 => format!(
            "({} ? {} : {})",
            flag(dice, depth - 1),
            whole(dice, depth - 1),
            whole(dice, depth - 1)
        ),
        _ => one(dice, &leaves).to_owned(),
    }
}

fn flag(dice: &mut fastrand::Rng, depth: u32) -> String {
    let leaves = [
        "true",
        "false",
        "connection.mtls",
        "has(request.referer)",
        "'x-user' in request.headers",
    ];
    match dice.u32(..if depth == 0 { 2 } else { 9 }) {
        2 => {
            let method = one(dice, &["startsWith", "endsWith", "contains"]);
            format!(
                "{}.{method}({})",
                text(dice, depth - 1),
                text(dice, depth - 1)
            )
        }
        3 => {
            let operator = one(dice, &["==", "!=", "<", ">="]);
            format!(
                "({} {operator} {})",
                text(dice, depth - 1),
                text(dice, depth - 1)
            )
        }
        4 => {
            let operator = one(dice, &["==", "!=", "<", "<=", ">", ">="]);
            format!(
                "({} {operator} {})",
                whole(dice, depth - 1),
                whole(dice, depth - 1)
            )
        }
        5 => format!(
            "({} in [{}, 200])",
            whole(dice, depth - 1),
            whole(dice, depth - 1)
        ),
        6 => {
            let operator = one(dice, &["&&", "||"]);
            format!(
                "({} {operator} {})",
                flag(dice, depth - 1),
                flag(dice, depth - 1)
            )
        }
        7 => format!("!({})", flag(dice, depth - 1)),
        8 => format!("{}.matches('^[a-z/]+')", text(dice, depth - 1)),
        _ => one(dice, &leaves).to_owned(),
    }
}
