//! What the client sends through Envoy, the upstream sees, and the other way round.

use std::time::{Duration, Instant};

use integration::client::{Client, Request, raw};
use integration::envoy::Envoy;
use integration::upstream::Upstream;
use serde_json::json;

use super::{SOON, config, forwarding};

#[test]
fn http1_is_echoed_with_header_bytes_and_trailers() {
    let upstream = Upstream::start();
    let envoy = Envoy::builder(forwarding(&upstream)).start();
    let client = Client::http1(envoy.addr("forward"));

    let response = client
        .post("/h1/path?q=1", "some text")
        .header("x-odd", b"caf\xe9")
        .header("x-echo-status", "418")
        .header("x-echo-header", "x-back=again")
        .header("x-echo-trailer", "x-end=over")
        .header("te", "trailers")
        .trailer("x-last", "word")
        .send();

    assert_eq!(response.status, 418);
    assert_eq!(response.header("x-back"), Some("again"));
    assert_eq!(response.trailer("x-end"), Some("over"));
    let echo = response.json().unwrap();
    assert_eq!(echo["method"], "POST");
    assert_eq!(echo["path"], "/h1/path?q=1");
    assert_eq!(echo["protocol"], "HTTP/1.1");
    assert_eq!(echo["authority"], envoy.addr("forward").to_string());
    assert_eq!(echo["body"], "some text");
    assert_eq!(echo["trailers"], json!([["x-last", "word"]]));
    assert!(
        echo["headers"]
            .as_array()
            .unwrap()
            .contains(&json!(["x-odd", "caf\u{e9}"]))
    );
    assert_eq!(upstream.requests()[0].values("x-odd"), [b"caf\xe9"]);
}

#[test]
fn http2_is_echoed_with_trailers() {
    let upstream = Upstream::start();
    let envoy = Envoy::builder(forwarding(&upstream)).start();
    let client = Client::http2(envoy.addr("forward"));

    let call = client
        .post("/h2", "some text")
        .authority("shop.example")
        .trailer("x-last", "word");
    let response = call.header("x-echo-trailer", "x-end=over").send();

    let echo = response.json().unwrap();
    assert_eq!(
        (&echo["protocol"], &echo["body"]),
        (&json!("HTTP/2.0"), &json!("some text"))
    );
    assert_eq!(echo["authority"], "shop.example");
    assert_eq!(echo["trailers"], json!([["x-last", "word"]]));
    assert_eq!(response.trailer("x-end"), Some("over"));
}

#[test]
fn grpc_is_echoed_with_its_status_in_the_trailers() {
    let upstream = Upstream::start();
    let envoy = Envoy::builder(forwarding(&upstream)).start();

    let response = Client::http2(envoy.addr("forward")).grpc("/pkg.Service/Method", b"message");

    assert_eq!((response.status, response.grpc_status()), (200, Some(0)));
    assert_eq!(response.messages(), [b"message".to_vec()]);
    assert_eq!(response.trailer("grpc-status"), Some("0"));
    let request = &upstream.requests()[0];
    assert!(request.is_grpc());
    assert_eq!(request.path, "/pkg.Service/Method");
}

#[test]
fn a_burst_is_concurrent_and_keeps_its_order() {
    let upstream = Upstream::start();
    let envoy = Envoy::builder(forwarding(&upstream)).start();
    let delayed =
        |index: usize| Request::get(&format!("/h2/{index}")).header("x-echo-delay-ms", "200");

    for client in [
        Client::http1(envoy.addr("forward")),
        Client::http2(envoy.addr("forward")),
    ] {
        upstream.forget();
        let started = Instant::now();
        let responses = client.burst(300, 300, delayed);
        let took = started.elapsed();

        assert!(
            took < Duration::from_secs(10),
            "300 requests of 200 ms took {took:?}"
        );
        assert_eq!(upstream.count(), 300);
        for (index, response) in responses.iter().enumerate() {
            assert_eq!(response.json().unwrap()["path"], format!("/h2/{index}"));
            assert!(response.elapsed >= Duration::from_millis(200));
        }
    }
}

#[test]
fn an_abandoned_request_is_reset() {
    let upstream = Upstream::start();
    let envoy = Envoy::builder(forwarding(&upstream)).start();
    let client = Client::http1(envoy.addr("forward"));

    let call = client.get("/h2").header("x-echo-delay-ms", "60000");
    call.abandon_after(Duration::from_millis(50));

    let name = "http.forward.downstream_cx_destroy_remote_active_rq";
    envoy.admin().wait_stat(name, |count| count == 1, SOON);
}

#[test]
fn hostile_bytes_reach_envoy_as_they_are() {
    let envoy = Envoy::builder(config()).start();

    let answer = raw(
        envoy.addr("direct"),
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        SOON,
    );

    assert!(
        answer.starts_with(b"HTTP/1.1 400 "),
        "{}",
        String::from_utf8_lossy(&answer)
    );
}
