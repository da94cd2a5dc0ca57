//! Pauses, resumptions, replies and resets: all of them happen after the callback that asked.

use super::guest::{GET, OK, host, said};
use std::time::Duration;
use wasm_host::State;

const MS: Duration = Duration::from_millis(1);

/// Holds every request, and does `$work` for stream 2 in a tick of 10 ms.
fn holding(work: &str) -> String {
    format!(
        r#"
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (drop (call $tick (i32.const 10))) (i32.const 1))
        (func (export "proxy_on_tick") (param i32)
          (drop (call $tick (i32.const 0)))
          (call $say (call $become (i32.const 2)))
          {work})
        "#
    )
}

#[test]
fn a_held_request_keeps_its_headers_until_it_is_resumed() {
    let host = host(&holding(
        r#"
        (call $say (call $set_header (i32.const 0) #"x-b" #"2"))
        (call $say (call $resume (i32.const 0)))
        (call $say (call $header (i32.const 0) #"x-b" {out}))
        "#,
    ));
    let stream = host.request(GET, false);
    stream.request_body("ab", false);
    stream.request_body("c", true);
    assert_eq!(stream.state(), State::Paused);
    assert_eq!(stream.request_sent(), b"");
    host.advance(10 * MS);
    assert_eq!(said(&host), ["0", "0", "0", "2"]);
    assert_eq!(stream.state(), State::Continued);
    assert_eq!(stream.request_sent(), b"abc");
    assert_eq!(stream.request_now().text("x-b"), Some("2".to_owned()));
}

#[test]
fn the_context_of_a_stream_that_is_over_is_refused() {
    let host = host(&holding("(call $say (call $become (i32.const 0)))"));
    let stream = host.request(GET, true);
    stream.disconnect();
    host.advance(10 * MS);
    assert_eq!(said(&host), ["2", "0"]);
    assert_eq!(stream.state(), State::Reset);
    assert_eq!(
        stream.details().as_deref(),
        Some("downstream_remote_disconnect")
    );
}

#[test]
fn a_late_reply_passes_the_filters_own_response_callbacks() {
    let late =
        holding(r#"(drop (call $reply (i32.const 418) #"too late" #"tea" #"" (i32.const -1)))"#);
    let own = r#"
        (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
          (call $say (call $header (i32.const 0) #":path" {out}))
          (call $say (call $set_header (i32.const 2) #"x-mine" #"1")) (i32.const 0))
        (func (export "proxy_on_response_body") (param i32 i32 i32) (result i32)
          (call $say (local.get 1)) (i32.const 0))
    "#;
    let host = host(&(late + own));
    let stream = host.request(GET, true);
    host.advance(10 * MS);
    // The held request's headers are still there while its reply goes out.
    assert_eq!(said(&host), ["0", "0", "0", "3"]);
    let reply = stream.reply().expect("a reply");
    assert_eq!((reply.status, reply.details.as_str()), (418, "too_late"));
    let response = stream.response();
    assert_eq!(response.text(":status").as_deref(), Some("418"));
    assert_eq!(response.text("content-type").as_deref(), Some("text/plain"));
    assert_eq!(response.text("content-length").as_deref(), Some("3"));
    assert_eq!(response.text("x-mine").as_deref(), Some("1"));
    assert_eq!(stream.response_sent(), b"tea");
}

/// Replies from the request's headers, whatever the action.
const REPLY: &str = r#"
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
      (call $reply (i32.const 403) #"" #"no" #"" (i32.const -1)))
"#;

#[test]
fn a_reply_stops_the_stream_whatever_the_callback_returns() {
    let host = host(REPLY);
    let stream = host.request(GET, false);
    stream.request_body("nobody reads this", true);
    assert_eq!(stream.reply().map(|reply| reply.status), Some(403));
    assert_eq!(stream.response_sent(), b"no");
    assert_eq!(stream.request_sent(), b"");
}

#[test]
fn a_grpc_client_gets_trailers_only() {
    let host = host(REPLY);
    let stream = host.request(&[("content-type", "application/grpc+proto")], false);
    let response = stream.response();
    assert_eq!(response.text(":status").as_deref(), Some("200"));
    assert_eq!(response.text("grpc-status").as_deref(), Some("7"));
    assert_eq!(response.text("grpc-message").as_deref(), Some("no"));
    assert_eq!(stream.response_sent(), b"");
}

#[test]
fn a_reply_from_the_response_replaces_it_unseen_by_the_filter() {
    let host = host(
        r#"
        (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
          (call $say (i32.const 1))
          (call $reply (i32.const 502) #"" #"bad" #"" (i32.const -1)))
        (func (export "proxy_on_response_body") (param i32 i32 i32) (result i32) unreachable)
        "#,
    );
    let stream = host.request(GET, true);
    stream.response_headers(OK, false).unwrap();
    assert_eq!(said(&host), ["1"]);
    assert_eq!(stream.response().text(":status").as_deref(), Some("502"));
    assert_eq!(stream.response_sent(), b"bad");
    assert_eq!(host.dead(), None);
}

#[test]
fn a_reply_after_the_head_went_out_breaks_the_stream() {
    let host = host(
        r#"
        (func (export "proxy_on_response_body") (param i32 i32 i32) (result i32)
          (call $reply (i32.const 502) #"why" #"bad" #"" (i32.const -1)))
        "#,
    );
    let stream = host.request(GET, true);
    stream.response_headers(OK, false).unwrap();
    stream.response_body("hello", true);
    assert_eq!(stream.state(), State::Reset);
    assert_eq!(stream.response().text(":status").as_deref(), Some("200"));
    assert_eq!(stream.details().as_deref(), Some("why"));
}

#[test]
fn a_reset_ends_the_stream() {
    let host = host(
        r#"
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (call $close (i32.const 0)))
        "#,
    );
    let stream = host.request(GET, true);
    assert_eq!(stream.state(), State::Reset);
    assert_eq!(stream.details().as_deref(), Some("wasm_close_stream"));
}

#[test]
fn a_held_body_grows_and_can_be_edited() {
    let host = host(
        r#"
        (func (export "proxy_on_request_body") (param i32 i32 i32) (result i32)
          (call $say (local.get 1))
          (if (i32.eqz (local.get 2)) (then (return (i32.const 1))))
          (call $say (call $set_buffer (i32.const 0) (i32.const 0) (i32.const 0) #"<"))
          (call $say (call $set_buffer (i32.const 0) (i32.const 99) (i32.const 0) #">"))
          (call $say (call $set_buffer (i32.const 0) (i32.const 1) (i32.const 1) #"x"))
          (call $say (call $buffer (i32.const 0) (i32.const 0) (i32.const 99) {out}))
          (call $tell)
          (i32.const 0))
        "#,
    );
    let stream = host.request(GET, false);
    stream.request_body("ab", false);
    stream.request_body("c", false);
    assert_eq!(stream.request_sent(), b"");
    stream.request_body("", true);
    assert_eq!(said(&host), ["2", "3", "3", "0", "0", "2", "0", "<abc>"]);
    assert_eq!(stream.request_sent(), b"<abc>");
}

#[test]
fn a_changed_body_under_its_old_length_is_held_against_the_module() {
    let host = host(
        r#"
        (func (export "proxy_on_response_body") (param i32 i32 i32) (result i32)
          (call $set_buffer (i32.const 1) (i32.const 0) (i32.const 0) #"+"))
        "#,
    );
    let stream = host.request(GET, true);
    stream.response_headers(OK, false).unwrap();
    stream.response_body("hello", true);
    assert_eq!(stream.response_sent(), b"+hello");
    assert_eq!(host.violations().len(), 1);
    let stream = host.request(GET, true);
    stream
        .response_headers(&[(":status", "200")], false)
        .unwrap();
    stream.response_body("hello", true);
    assert_eq!(host.violations().len(), 1);
}

#[test]
fn two_answers_from_one_callback_are_held_against_the_module() {
    let host = host(
        r#"
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (drop (call $reply (i32.const 418) #"one" #"" #"" (i32.const -1)))
          (call $reply (i32.const 419) #"two" #"" #"" (i32.const -1)))
        "#,
    );
    let reply = host.request(GET, true).reply().expect("a reply");
    assert_eq!((reply.status, reply.details.as_str()), (418, "two"));
    assert_eq!(host.violations().len(), 1);
}

#[test]
fn a_resumption_inside_its_own_callback_comes_too_soon() {
    let host = host(
        r#"
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (drop (call $resume (i32.const 0))) (i32.const 1))
        "#,
    );
    let stream = host.request(GET, false);
    stream.request_body("abc", true);
    assert_eq!(
        stream.state(),
        State::Paused,
        "the body is stuck, as in Envoy"
    );
    assert_eq!(host.violations().len(), 1);
}

#[test]
fn too_many_resumptions_in_one_callback_are_held_against_the_module() {
    let host = host(
        r#"
        (global $last (mut i32) (i32.const 0))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (global.set $last (local.get 0)) (drop (call $tick (i32.const 10))) (i32.const 1))
        (func (export "proxy_on_request_body") (param i32 i32 i32) (result i32) (i32.const 0))
        (func (export "proxy_on_tick") (param i32)
          (loop $next
            (drop (call $become (global.get $last)))
            (drop (call $resume (i32.const 0)))
            (global.set $last (i32.sub (global.get $last) (i32.const 1)))
            (br_if $next (i32.gt_u (global.get $last) (i32.const 1)))))
        "#,
    );
    let streams: Vec<_> = (0..300).map(|_| host.request(GET, false)).collect();
    for stream in &streams {
        stream.request_body("abc", true);
    }
    host.advance(10 * MS);
    for stream in &streams {
        assert_eq!(stream.request_sent(), b"abc");
    }
    assert_eq!(host.violations().len(), 1, "{:?}", host.violations());
}
