//! What an attacker may send: no VM dies of it, and the next good request is served.

use std::net::SocketAddr;
use std::time::Duration;

use integration::client::{Client, raw};
use integration::envoy::Envoy;
use integration::listener::bootstrap;
use serde_json::{Value, json};

use crate::fault_injection::{assert_serves, ours};

/// Rules that look at everything: all headers, the path, the query, claims, properties.
fn nosy() -> Value {
    json!({"http": [
        {"match": [{"headers": {"x-a": {"regex": "(a|aa)+$"}, "x-b": {"prefix": "b"}}}],
         "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": 500}}},
        {"match": [{"uri": {"regex": "/(.*)*x"}}, {"uri": {"template": "/t/{*}/{**}/e"}},
                   {"queryParams": {"q": {"regex": "[a-z]{1,200}"}}}],
         "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": 501}}},
        {"match": [{"withoutHeaders": {"x-absent": {"exact": ""}}, "claims": {"sub": {}}, "route": {"regex": ".*"}}],
         "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": 502}}},
        {"match": [{"uri": {"exact": "/"}}],
         "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": 418}}},
        {"fault": {"delay": {"percentage": {"numerator": 100}, "headerDelay": {}},
                   "abort": {"percentage": {"numerator": 100}, "headerAbort": {}}}},
    ]})
}

fn send(addr: SocketAddr, head: &[u8]) {
    let mut bytes = head.to_vec();
    bytes.extend(b"host: x\r\nconnection: close\r\n\r\n");
    raw(addr, &bytes, Duration::from_secs(5));
}

#[test]
fn hostile_requests_leave_a_good_one_served() {
    let listener = ours(&nosy())
        // Envoy waits a second for a client that could still be sending; this one is not.
        .manager("delayed_close_timeout", json!("0s"))
        .manager("max_request_headers_kb", json!(96))
        .manager(
            "common_http_protocol_options",
            json!({"max_headers_count": 2000}),
        );
    let envoy = Envoy::builder(bootstrap([listener], [])).start();
    let addr = envoy.addr("ours");
    let long = vec![b'a'; 60 * 1024];

    for bad in [
        &b"\xff"[..],
        b"\x80\x81\xfe",
        b"caf\xe9",
        b"\xc0\xaf",
        b"\xf0\x9f\x98\x80",
        &long,
    ] {
        for name in [
            "x-a",
            "x-b",
            "user-agent",
            "content-type",
            "x-envoy-fault-abort-request",
            "x-envoy-fault-delay-request",
            "x-envoy-fault-delay-request-percentage",
        ] {
            let head = [
                format!("GET /any HTTP/1.1\r\n{name}: ").as_bytes(),
                bad,
                b"\r\n",
            ]
            .concat();
            send(addr, &head);
        }
    }
    assert_serves(&envoy, 418);

    for path in [
        "/%00%ff",
        "//..//%2e%2e/",
        "/?",
        "/?&&=&==&q",
        "/?q=%",
        "/t//////e",
        "/;x=y",
        "*",
        "/\u{7f}",
        "http://other.example/absolute?q=1",
        "/?q=\u{e4}",
    ] {
        send(addr, format!("GET {path} HTTP/1.1\r\n").as_bytes());
    }
    let path = [
        b"GET /",
        &long[..],
        b"?q=",
        &long[..20_000],
        b" HTTP/1.1\r\n",
    ]
    .concat();
    send(addr, &path);
    assert_serves(&envoy, 418);

    // The same header a thousand times, and a thousand headers.
    let same = "x-a: a\r\n".repeat(1000);
    send(addr, format!("GET /any HTTP/1.1\r\n{same}").as_bytes());
    let many: String = (0..1000).map(|n| format!("x-{n}: {n}\r\n")).collect();
    send(addr, format!("GET /any HTTP/1.1\r\n{many}").as_bytes());
    assert_serves(&envoy, 418);

    for absurd in [
        "-1",
        "101",
        "4294967295",
        "4294967296",
        "1e9",
        "NaN",
        "٣",
        "999999999999999999999999999999",
    ] {
        let answer = Client::http1(addr)
            .get("/other")
            .header("x-envoy-fault-abort-request", "503")
            .header("x-envoy-fault-abort-request-percentage", absurd)
            .send();
        assert_eq!(
            answer.status, 503,
            "{absurd}: the configured share, which is all"
        );
    }
    assert_serves(&envoy, 418);
}

/// HTTP/2 carries bytes that HTTP/1 parsers stop at.
#[test]
fn hostile_headers_over_http2() {
    let envoy = Envoy::builder(bootstrap([ours(&nosy())], [])).start();
    let client = Client::http2(envoy.addr("ours"));
    for bad in [&b"\xff\xfe"[..], b"\x80", b"caf\xe9 \xc3"] {
        for name in ["x-a", "x-b", "x-envoy-fault-abort-request", "cookie"] {
            let _ = client.get("/any").header(name, bad).try_send();
        }
    }
    assert_serves(&envoy, 418);
}

/// A delay that nobody lives to see the end of is held, and let go when its client leaves.
#[test]
fn absurd_delays_are_held_not_fatal() {
    let config = json!({"http": [
        {"match": [{"uri": {"exact": "/"}}], "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": 418}}},
        {"fault": {"delay": {"percentage": {"value": 100}, "headerDelay": {}}}},
    ]});
    let envoy = Envoy::builder(bootstrap([ours(&config)], [])).start();
    for absurd in [
        "18446744073709551615",
        "9223372036854775807",
        "4294967296",
        "4294967295",
    ] {
        Client::http1(envoy.addr("ours"))
            .get("/held")
            .header("x-envoy-fault-delay-request", absurd)
            .abandon_after(Duration::from_millis(100));
        assert_serves(&envoy, 418);
    }
    let active = "wasmcustom.mesh_filters.fault-injection.active";
    envoy
        .admin()
        .wait_stat(active, |held| held == 0, crate::fault_injection::SOON);
}
