//! What is wrong for any filter: bytes, targets and numbers of headers that have killed parsers before.
//! What is wrong for one filter alone stands in its tests.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;

use crate::client::raw;
use crate::listener::Listener;

/// Values of headers: not UTF-8 in each of the ways, cut off, overlong, and beyond the first plane; numbers
/// that fit nowhere; none; and sixty kilobytes.
const VALUES: &[&[u8]] = &[
    b"\xff",
    b"\x80\x81\xfe",
    b"caf\xe9",
    b"\xc0\xaf",
    b"\xf0\x9f\x98\x80",
    b"99999999999999999999",
    b"-1",
    b"",
    &[b'a'; LONG],
];

/// Below Envoy's limit for all headers together, which [`admit`] sets.
const LONG: usize = 60 * 1024;

/// What follows a path in a target.
const TARGETS: &[&str] = &[
    "/%00%ff",
    "//..//%2e%2e/",
    "?",
    "/?",
    "?&&=&==&q",
    "?q=%",
    "?q=%f",
    "?%71=%zz",
    "?q=\u{e4}",
    "//////x",
    ";x=y",
    "\u{7f}",
    "/%00%ff%0d%0a",
];

/// Has a listener let all of this through to its filters.
pub fn admit(listener: Listener) -> Listener {
    listener
        // Envoy waits a second for a client that could still be sending; this one is not.
        .manager("delayed_close_timeout", json!("0s"))
        .manager("max_request_headers_kb", json!(192))
        .manager(
            "common_http_protocol_options",
            json!({"max_headers_count": 2000}),
        )
}

/// A request that begins so, and whatever comes of it.
pub fn send(addr: SocketAddr, head: &[u8]) {
    let mut bytes = head.to_vec();
    bytes.extend(b"host: x\r\nconnection: close\r\n\r\n");
    raw(addr, &bytes, Duration::from_secs(5));
}

/// Requests to this path with each hostile value, and each of `more`, behind each beginning of a header
/// (`cookie: session=`).
pub fn values(addr: SocketAddr, path: &str, beginnings: &[&str], more: &[&[u8]]) {
    for beginning in beginnings {
        for value in VALUES.iter().chain(more) {
            let line = format!("GET {path} HTTP/1.1\r\n{beginning}");
            send(addr, &[line.as_bytes(), value, b"\r\n"].concat());
        }
    }
}

/// Requests to targets that begin with this path, and to what is no path.
pub fn targets(addr: SocketAddr, path: &str) {
    for target in TARGETS {
        send(addr, format!("GET {path}{target} HTTP/1.1\r\n").as_bytes());
    }
    for line in [
        "OPTIONS * HTTP/1.1",
        "GET * HTTP/1.1",
        "GET http://other.example/absolute?q=1 HTTP/1.1",
        "BREW / HTTP/1.1",
    ] {
        send(addr, format!("{line}\r\n").as_bytes());
    }
    let long = "a".repeat(LONG);
    let line = format!("GET {path}{long}?q={} HTTP/1.1\r\n", &long[..20_000]);
    send(addr, line.as_bytes());
}

/// A request with these lines nine hundred times, and one with a thousand headers.
pub fn many(addr: SocketAddr, path: &str, lines: &str) {
    let same = lines.repeat(900);
    send(addr, format!("GET {path} HTTP/1.1\r\n{same}").as_bytes());
    let many: String = (0..1000).map(|n| format!("x-{n}: {n}\r\n")).collect();
    send(addr, format!("GET {path} HTTP/1.1\r\n{many}").as_bytes());
}
