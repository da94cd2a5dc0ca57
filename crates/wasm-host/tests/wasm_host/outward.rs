//! Calls out of the VM: upstreams, gRPC and functions of the host.

use super::guest::{GET, host, said};
use std::time::Duration;
use wasm_host::{Headers, Host, Protocol, State, Status};

/// Asks `keys` for each request and resumes it with the answer; says whether the call was taken,
/// then the numbers of headers and bytes, then the status.
fn asking() -> Host {
    host(
        r#"
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (local $result i32)
          (local.set $result (call $http #"keys"
            #"\03\00\00\00\07\00\00\00\03\00\00\00\05\00\00\00\02\00\00\00\0a\00\00\00\01\00\00\00:method\00GET\00:path\00/k\00:authority\00k\00"
            #"" #"" (i32.const 50) (i32.const 16)))
          (call $say (local.get $result))
          (i32.eqz (local.get $result)))
        (func (export "proxy_on_http_call_response") (param i32 i32 i32 i32 i32)
          (call $say (local.get 2)) (call $say (local.get 3))
          (call $say (call $header (i32.const 6) #":status" {out}))
          (call $tell)
          (drop (call $become (i32.const 2)))
          (drop (call $resume (i32.const 0))))
        "#,
    )
}

#[test]
fn a_call_waits_for_the_test_to_answer_it() {
    let host = asking();
    let stream = host.request(GET, true);
    let call = host.calls().pop().expect("a call");
    assert_eq!(
        (call.upstream.as_str(), &call.protocol),
        ("keys", &Protocol::Http)
    );
    assert_eq!(call.headers.text(":path").as_deref(), Some("/k"));
    assert_eq!(call.timeout, Some(Duration::from_millis(50)));
    assert_eq!(stream.state(), State::Paused);
    host.answer_http(call.id, &[(":status", "200")], "{}", Headers::new())
        .unwrap();
    assert_eq!(said(&host), ["0", "1", "2", "0", "200"]);
    assert_eq!(stream.state(), State::Continued);
    assert!(host.calls().is_empty());
}

#[test]
fn envoy_answers_for_an_upstream_that_keeps_silent_or_is_not_there() {
    let host = asking();
    let stream = host.request(GET, true);
    host.advance(Duration::from_millis(49));
    assert_eq!(stream.state(), State::Paused);
    host.advance(Duration::from_millis(1));
    assert_eq!(said(&host), ["0", "3", "24", "0", "504"]);
    let _ = host.request(GET, true);
    host.fail_http(host.calls()[0].id).unwrap();
    assert_eq!(said(&host)[5..], ["0", "3", "98", "0", "503"]);
}

#[test]
fn a_call_that_breaks_off_has_no_headers_to_ask_for() {
    let host = asking();
    let _ = host.request(GET, true);
    host.break_http(host.calls()[0].id).unwrap();
    assert_eq!(said(&host)[..4], ["0", "0", "0", "2"]);
}

#[test]
fn an_unknown_cluster_is_refused_at_once() {
    let host = asking();
    host.world().unknown_cluster("keys");
    assert_eq!(host.request(GET, true).state(), State::Continued);
    host.world().known_cluster("keys");
    assert_eq!(host.request(GET, true).state(), State::Paused);
    assert_eq!(said(&host), ["2", "0"]);
}

#[test]
fn an_answer_after_the_stream_is_gone_reaches_the_root_alone() {
    let host = asking();
    let stream = host.request(GET, true);
    stream.disconnect();
    host.answer_http(
        host.calls()[0].id,
        &[(":status", "200")],
        "",
        Headers::new(),
    )
    .unwrap();
    assert_eq!(stream.state(), State::Reset);
    assert_eq!(host.dead(), None);
}

#[test]
fn a_grpc_call_ends_in_a_message_or_in_a_status() {
    let host = host(
        r#"
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (call $say (call $grpc #"limits" #"rls.Service" #"Ask" #"" #"m" (i32.const 0) (i32.const 16)))
          (i32.const 0))
        (func (export "proxy_on_grpc_receive") (param i32 i32 i32)
          (drop (call $buffer (i32.const 5) (i32.const 0) (i32.const 99) {out})) (call $tell))
        (func (export "proxy_on_grpc_close") (param i32 i32 i32)
          (call $say (local.get 2))
          (drop (call $status (i32.const 16) {out})) (call $tell))
        "#,
    );
    let _ = (host.request(GET, true), host.request(GET, true));
    let calls = host.calls();
    let (service, method) = ("rls.Service".to_owned(), "Ask".to_owned());
    assert_eq!(calls[0].protocol, Protocol::Grpc { service, method });
    assert_eq!(calls[0].body, b"m");
    host.answer_grpc(calls[0].id, 0, "reply").unwrap();
    host.answer_grpc(calls[1].id, 14, "gone").unwrap();
    host.world().unknown_cluster("limits");
    let _ = host.request(GET, true);
    assert_eq!(said(&host), ["0", "0", "reply", "14", "gone", "4"]);
}

#[test]
fn foreign_functions_are_what_the_test_offers() {
    let host = host(
        r#"
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (call $say (call $foreign #"double" #"ab" {out})) (call $tell)
          (call $say (call $foreign #"refuse" #"" {out}))
          (call $say (call $foreign #"other" #"" {out}))
          (i32.const 0))
        "#,
    );
    host.foreign("double", |bytes| Ok([bytes, bytes].concat()));
    host.foreign("refuse", |_| Err(Status::BadArgument));
    let _ = host.request(GET, true);
    assert_eq!(said(&host), ["0", "abab", "2", "1"]);
}
