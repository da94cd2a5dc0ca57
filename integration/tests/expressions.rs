//! Envoy's own CEL on the corpus that the interpreter of the native tests answers too.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a panic is how a test fails"
)]

use std::time::Duration;

use integration::client::Client;
use integration::envoy::{Envoy, repository};
use integration::listener::{Listener, bootstrap};
use serde_json::{Value, json};

#[test]
fn envoy_gives_what_the_corpus_says() {
    let path = repository().join("filters/telemetry-tags/tests/expressions.json");
    let corpus: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let values = corpus["values"].as_array().unwrap();
    let tag = |index: usize| format!("tag-{index}");
    let tags: Vec<Value> = values
        .iter()
        .enumerate()
        .map(|(index, entry)| json!({"name": tag(index), "expression": entry[0], "label": false}))
        .collect();
    let mut listener = Listener::new("corpus").module("telemetry-tags", &json!({"tags": tags}));
    for index in 0..values.len() {
        let name = tag(index);
        let format = format!("%FILTER_STATE(wasm.mesh_filters.tag.{name}:PLAIN)%");
        listener = listener.log(&name, &format);
    }
    let envoy = Envoy::builder(bootstrap(vec![listener], []))
        .args(["--file-flush-interval-msec", "10"])
        .start();
    let answer = Client::http1(envoy.addr("corpus"))
        .method("GET", "/api/orders/7?x=1")
        .authority("app.example")
        .header("x-user", "alice")
        .header("x-many", "a")
        .header("x-many", "b")
        .send();
    assert_eq!(answer.status, 200);
    let line = envoy.wait_log("\"tag-0\":", Duration::from_secs(10));
    let line: Value = serde_json::from_str(&line[line.find('{').unwrap()..]).unwrap();
    let mut wrong = Vec::new();
    for (index, entry) in values.iter().enumerate() {
        let expected = entry[1].as_str().unwrap_or("unknown");
        let seen = &line[tag(index)];
        if seen.as_str() != Some(expected) {
            wrong.push(format!("{}: {seen}, not {expected}", entry[0]));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
