//! HTTP calls: what comes back, and every way in which nothing does.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use crate::shell::rig::{Plan, upstream};

#[test]
fn smoke_a_call_reaches_its_upstream_and_the_answer_comes_back() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();

    let response = rig.client().get("/http").header("x-id", "call").send();

    let text = "http 200 good over HTTP/1.1 (asked 2 times)";
    assert_eq!((response.status, response.text().as_str()), (299, text));
    let asked = &upstream.requests()[0];
    let authority = asked.authority.as_str();
    assert_eq!(
        (asked.method.as_str(), asked.path.as_str(), authority),
        ("GET", "/answer", "probe.example")
    );
    // Bytes, as it was given them.
    let bytes = asked.headers.iter().find(|(name, _)| name == "x-bytes");
    assert_eq!(bytes.unwrap().1, b"\x80caf\xe9\xff");
    assert_eq!(upstream.count(), 1, "the request itself was answered here");
    assert_eq!(rig.line("call")["reason"], "seen,answered:probe,ended");
    rig.lives();
}

#[test]
fn an_answered_request_can_go_on() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();

    let response = rig.client().get("/http").header("x-go-on", "1").send();

    assert_eq!(response.status, 200);
    let expected = "http 200 good over HTTP/1.1 (asked 2 times)";
    assert_eq!(upstream.requests()[1].header("x-probe"), Some(expected));
    rig.lives();
}

#[test]
fn every_call_that_fails_comes_back_as_an_answer() {
    let upstream = upstream();
    let mut plan = Plan::before(&upstream).one_worker();
    plan.config = plan
        .config
        .endpoint("breaks", server_that_breaks())
        .unwrap();
    let rig = plan.start();

    for (call, expected) in [
        ("cluster=no-such-cluster", "failed"),
        // These three fail inside the call: an answer that came back there and then would be to a
        // call nobody has written down yet, and its stream would hang.
        ("cluster=empty", "failed"),
        ("cluster=unhealthy", "failed"),
        ("cluster=full", "failed"),
        ("cluster=breaks", "failed"),
        ("cluster=", "failed"),
        ("cluster=refused", "http 503 upstream connect error"),
        ("path=/never", "http 504 upstream request timeout"),
        ("path=/nothing-there", "http 200 {"),
        ("path=", "http 400"),
    ] {
        let text = rig.get(&format!("/http?{call}")).text();
        assert!(text.starts_with(expected), "{call}: {text}");
        assert!(text.ends_with("(asked 2 times)"), "{call}: {text}");
    }
    let text = rig.get("/http").text();
    assert!(text.starts_with("http 200 good"), "{text}");
    rig.lives();
}

#[test]
fn many_calls_that_fail_at_once_leave_the_vm_alive() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).one_worker().start();
    for cluster in ["empty", "unhealthy", "full", "refused"] {
        let request = |_| {
            rig.client()
                .get(&format!("/http?cluster={cluster}"))
                .request()
        };
        for response in rig.client().burst(200, 100, request) {
            assert_eq!(response.status, 299, "{cluster}");
        }
    }
    rig.lives();
}

/// Promises a hundred bytes, sends four and hangs up.
fn server_that_breaks() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
        }
    });
    addr
}
