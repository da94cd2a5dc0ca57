//! Requests that nobody sends by accident: no VM dies, and the next good request is served.

use std::thread;
use std::time::Duration;

use integration::client::{Client, Request, raw};

use crate::shell::rig::{Plan, Rig, upstream};

/// What the probe does with a request, each of which meets each of these headers.
const PATHS: [&str; 5] = [
    "/edits",
    "/http",
    "/delay?ms=1",
    "/reply",
    "/nothing-of-the-probes",
];

fn survives(headers: &[(&str, Vec<u8>)]) {
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();
    let addr = rig.envoy.addr("probe");
    for client in [Client::http1(addr), Client::http2(addr)] {
        for path in PATHS {
            let mut request = Request::get(path);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let status = match client.try_send(request) {
                Ok(response) => response.status,
                Err(broken) => panic!("{path}: {broken}"),
            };
            assert!(matches!(status, 200 | 299), "{path}: {status}");
        }
    }
    rig.lives();
}

#[test]
fn bytes_that_are_no_text() {
    let all: Vec<u8> = (0x20..=0x7e).chain(0x80..=0xff).collect();
    survives(&[
        ("x-bytes", all),
        ("x-set", b"\xff\xfe".to_vec()),
        ("content-type", b"application/grpc\xff".to_vec()),
        ("cookie", b"\xc3\x28".to_vec()),
        ("authorization", b"Bearer \xf0\x9f".to_vec()),
    ]);
}

#[test]
fn a_header_of_60_kib() {
    survives(&[("x-long", vec![b'a'; 60 * 1024])]);
    // HTTP/2 packs each such byte into more than three, and Envoy takes no more than 64 KiB packed.
    survives(&[("x-long", vec![0xe9; 16 * 1024])]);
}

#[test]
fn a_thousand_headers_of_one_name() {
    survives(&vec![("x-again", b"1".to_vec()); 1000]);
    survives(&vec![("x-remove", b"\x80".to_vec()); 1000]);
}

/// Sends all of them at once. Whatever Envoy makes of each, the answer is HTTP or none at all.
fn send(rig: &Rig, messages: &[Vec<u8>]) {
    let addr = rig.envoy.addr("probe");
    // Some keep Envoy waiting for more.
    let patience = Duration::from_secs(2);
    thread::scope(|scope| {
        for bytes in messages {
            scope.spawn(move || {
                let answer = raw(addr, bytes, patience);
                let shown = String::from_utf8_lossy(&answer);
                // To what begins like HTTP/2 Envoy answers in frames.
                let framed = bytes.starts_with(b"PRI ");
                let well = answer.is_empty() || framed || shown.starts_with("HTTP/1.");
                assert!(well, "{} → {shown}", String::from_utf8_lossy(bytes));
            });
        }
    });
}

#[test]
fn paths_that_are_none() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();
    let paths = [
        "/%",
        "/%00%ff%",
        "//..//../../etc/passwd",
        "/edits?&&&===?&cluster",
        "/http?cluster=%00&path=%0d%0a",
        "/http?cluster=&path=",
        "/http?cluster=\x7f",
        "/http?path=no-slash",
        "/grpc?path=%20&cluster=http2",
        "/grpc?cluster=http2&path=\u{fc}",
        "/delay?ms=99999999999999999999999999",
        "/delay-ask?ms=-1",
        "/wait?ms=0",
        "/delay?at=0",
        "*",
        "?",
        "http://elsewhere.example/edits",
        "http://",
        "edits",
        "/caf\u{e9}",
    ];
    for method in ["GET", "POST", "OPTIONS", "CONNECT", "M-SEARCH"] {
        let messages = paths.map(|path| {
            let line = format!("{method} {path} HTTP/1.1");
            format!("{line}\r\nhost: h\r\nconnection: close\r\n\r\n").into_bytes()
        });
        send(&rig, &messages);
    }
    rig.lives();
}

#[test]
fn a_delay_without_an_end() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();
    let client = rig.client().deadline(Duration::from_millis(300));
    for path in ["/delay", "/wait", "/delay-ask"] {
        let path = format!("{path}?ms={}", u64::MAX);
        assert!(client.get(&path).try_send().is_err(), "{path}");
    }
    rig.wait_metric("active", 0);
    rig.lives();
}

#[test]
fn messages_that_are_none() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();
    let messages = [
        b"GET /edits HTTP/1.1\r\n\r\n".as_slice(),
        b"GET /edits HTTP/1.0\r\nconnection: close\r\n\r\n",
        b"GET /edits HTTP/1.1\r\nhost: \xff\r\nconnection: close\r\n\r\n",
        b"GET /edits HTTP/1.1\r\nhost: h\r\nx-a: \x01\r\nconnection: close\r\n\r\n",
        b"GET /edits HTTP/1.1\r\nhost: h\r\nx-\xff: 1\r\nconnection: close\r\n\r\n",
        b"GET /edits HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\nconnection: close\r\n\r\n",
        b"POST /http HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\xff\x01",
        b"\0\0\0\0\0\0\0\0",
    ];
    send(&rig, &messages.map(Vec::from));
    rig.lives();
}
