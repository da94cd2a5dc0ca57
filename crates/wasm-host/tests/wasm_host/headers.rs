//! Header maps: phases, names, and what Envoy makes of several values.

use super::guest::{GET, OK, host, said};
use wasm_host::Headers;

#[test]
fn a_map_outside_its_phase_is_a_bad_argument_but_its_pairs_are_merely_none() {
    let host = host(
        r#"
        (func $look
          (call $say (call $header (i32.const 0) #":path" {out}))
          (call $say (call $header (i32.const 2) #":status" {out}))
          (call $say (call $set_header (i32.const 0) #"x-b" #"2"))
          (call $say (call $pairs (i32.const 0) {out})))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (call $look) (i32.const 0))
        (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
          (call $look) (i32.const 0))
        (func (export "proxy_on_log") (param i32) (call $look))
        (func (export "proxy_on_done") (param i32) (result i32) (call $look) (i32.const 1))
        "#,
    );
    let stream = host.request(GET, true);
    assert_eq!(said(&host), ["0", "2", "0", "0"]);
    stream.response_headers(OK, true).unwrap();
    assert_eq!(said(&host)[4..], ["2", "0", "2", "0"]);
    stream.done();
    assert_eq!(
        said(&host)[8..12],
        ["0", "0", "2", "0"],
        "a log reads both and writes none"
    );
    assert_eq!(said(&host)[12..], ["2", "2", "2", "0"]);
    assert_eq!(stream.request_now().text("x-b"), Some("2".to_owned()));
}

#[test]
fn names_have_no_case_and_host_is_the_authority() {
    let host = host(
        r#"
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (drop (call $header (i32.const 0) #"X-A" {out})) (call $tell)
          (drop (call $header (i32.const 0) #"host" {out})) (call $tell)
          (drop (call $set_header (i32.const 0) #"Host" #"new"))
          (call $say (call $header (i32.const 0) #"x-missing" {out}))
          (i32.const 0))
        "#,
    );
    let stream = host.request(GET, true);
    assert_eq!(said(&host), ["1", "h.test", "1"]);
    assert_eq!(
        stream.request_now().text(":authority"),
        Some("new".to_owned())
    );
    assert_eq!(stream.request_now().first("host"), None);
}

#[test]
fn only_the_first_value_is_seen_unless_envoy_keeps_one_line() {
    let host = host(
        r#"
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (drop (call $add_header (i32.const 0) #"x-key" #"3"))
          (drop (call $header (i32.const 0) #"x-key" {out})) (call $tell)
          (drop (call $add_header (i32.const 0) #"authorization" #"c"))
          (drop (call $header (i32.const 0) #"authorization" {out})) (call $tell)
          (i32.const 0))
        "#,
    );
    let twice = &[
        ("x-key", "1"),
        ("authorization", "a"),
        ("x-key", "2"),
        ("authorization", "b"),
    ];
    let stream = host.request(twice, true);
    assert_eq!(said(&host), ["1", "a,b,c"]);
    let values: [&[u8]; 3] = [b"1", b"2", b"3"];
    assert_eq!(stream.request_now().all("x-key"), values);
}

#[test]
fn values_are_bytes() {
    let host = host(
        r#"
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (call $say (call $header (i32.const 0) #"x-raw" {out}))
          (call $say (i32.load8_u (i32.load (i32.const 8)))) (i32.const 0))
        "#,
    );
    let _ = host.request(&[("x-raw", &b"\xff"[..])], true);
    assert_eq!(said(&host), ["0", "255"]);
}

#[test]
fn a_line_break_in_a_header_is_held_against_the_module() {
    let host = host(
        r#"
        (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
          (call $set_header (i32.const 2) #"x-b" #"a\0d\0aset-cookie: x"))
        "#,
    );
    let stream = host.request(GET, true);
    stream.response_headers(OK, true).unwrap();
    assert_eq!(host.violations().len(), 1, "{:?}", host.violations());
}

#[test]
fn trailers_can_be_added_in_the_last_body_callback_only() {
    let host = host(
        r#"
        (func (export "proxy_on_response_body") (param i32 i32 i32) (result i32)
          (call $say (call $set_header (i32.const 3) #"x-t" #"1")) (i32.const 0))
        "#,
    );
    let stream = host.request(GET, true);
    stream.response_headers(OK, false).unwrap();
    stream.response_body("he", false);
    stream.response_body("llo", true);
    assert_eq!(said(&host), ["2", "0"]);
    let trailers = stream.response_trailers_now();
    assert_eq!(trailers, Some(Headers::from(&[("x-t", "1")])));
}
