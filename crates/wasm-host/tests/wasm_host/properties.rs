//! Properties: what is readable when, and what a module's own writes become.

use super::guest::{GET, OK, host, said};

#[test]
fn request_properties_follow_the_headers_phases() {
    let host = host(
        r#"
        (func $look
          (call $say (call $property #"request\00path" {out}))
          (call $say (call $property #"request\00protocol" {out}))
          (call $say (call $property #"response\00code" {out}))
          (call $say (call $property #"request" {out})))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (call $look)
          (drop (call $property #"request\00url_path" {out})) (call $tell)
          (drop (call $property #"request\00headers\00x-a" {out})) (call $tell)
          (i32.const 0))
        (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
          (call $look) (i32.const 0))
        (func (export "proxy_on_log") (param i32) (call $look))
        "#,
    );
    let stream = host.request(GET, true);
    assert_eq!(said(&host), ["0", "0", "1", "3", "/p", "1"]);
    stream.response_headers(OK, true).unwrap();
    assert_eq!(said(&host)[6..], ["1", "0", "0", "3"]);
    stream.done();
    assert_eq!(said(&host)[10..], ["0", "0", "0", "3"]);
}

#[test]
fn the_test_sets_facts_for_one_stream_or_for_all() {
    let host = host(
        r#"
        (func $look
          (call $say (call $property #"source\00address" {out})) (call $tell)
          (call $say (call $property #"xds\00node\00id" {out})) (call $tell))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (call $look) (i32.const 0))
        (func (export "proxy_on_queue_ready") (param i32 i32) (call $look))
        (func (export "proxy_on_configure") (param i32 i32) (result i32)
          (drop (call $register #"q" (i32.const 16)))
          (i32.eqz (call $enqueue (i32.load (i32.const 16)) #"")))
        "#,
    );
    host.property(&["source", "address"], "10.0.0.1:1");
    host.property(&["xds", "node", "id"], "sidecar");
    let stream = host.stream();
    stream.property(&["source", "address"], "10.0.0.2:2");
    stream.request_headers(GET, true);
    let _ = host.request(GET, true);
    let both = [
        "0",
        "10.0.0.2:2",
        "0",
        "sidecar",
        "0",
        "10.0.0.1:1",
        "0",
        "sidecar",
    ];
    assert_eq!(said(&host), both);
    host.run_queues();
    assert_eq!(said(&host)[8], "1", "a root context has no connection");
    assert_eq!(said(&host)[10..], ["0", "sidecar"]);
}

#[test]
fn what_a_module_sets_is_filter_state_and_nothing_else() {
    let host = host(
        r#"
        (func (export "proxy_on_configure") (param i32 i32) (result i32)
          (call $say (call $set_property #"k" #"v")) (i32.const 1))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (call $say (call $set_property #"k" #"v"))
          (call $say (call $property #"k" {out}))
          (call $say (call $property #"filter_state\00wasm.k" {out}))
          (call $say (call $set_property #"request\00path" #"/other"))
          (call $say (call $property #"request\00path" {out})) (call $tell)
          (call $say (call $set_property #"a\00b" #"v"))
          (call $say (call $property #"a\00b" {out}))
          (call $say (call $property #"native" {out}))
          (call $say (call $property #"filter_state\00native" {out}))
          (i32.const 0))
        (func (export "proxy_on_log") (param i32)
          (drop (call $set_property #"late" #"yes")))
        "#,
    );
    let stream = host.stream();
    stream.set_filter_state("native", "n");
    stream.request_headers(GET, true);
    stream.done();
    assert_eq!(
        said(&host)[..1],
        ["1"],
        "a root context has no filter state"
    );
    assert_eq!(said(&host)[1..5], ["0", "0", "0", "0"]);
    assert_eq!(said(&host)[5..], ["0", "/p?q=1", "0", "1", "1", "0"]);
    assert_eq!(stream.filter_state("wasm.k"), Some(b"v".to_vec()));
    assert_eq!(stream.filter_state("wasm.late"), Some(b"yes".to_vec()));
}

#[test]
fn calls_that_give_bytes_are_counted_apart() {
    let host = host(
        r#"
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (drop (call $property #"request\00path" {out}))
          (drop (call $property #"request\00headers\00x-a" {out}))
          (drop (call $property #"request\00nothing" {out}))
          (i32.const 0))
        "#,
    );
    host.reset_host_calls();
    let _ = host.request(GET, true);
    assert_eq!(host.host_calls()["proxy_get_property"], 3);
    assert_eq!(host.host_calls_with_bytes(), 2);
    host.reset_host_calls();
    assert_eq!(host.host_calls_with_bytes(), 0);
}
