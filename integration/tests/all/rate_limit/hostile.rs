//! What an attacker may send: no VM dies of it, no limit forgets, and the next good request is
//! served.

use std::net::SocketAddr;
use std::time::Duration;

use integration::client::{Client, raw};
use integration::envoy::Envoy;
use integration::listener::bootstrap;
use serde_json::{Value, json};

use crate::rate_limit::ours;

/// Limits that look at everything, and one that is used up: it tells that the module is alive.
fn nosy() -> Value {
    let wide = |name: &str, key: Value| {
        json!({"name": name, "match": [{"uri": {"prefix": "/any"}}], "key": key, "requests": 1_000_000, "per": "1s",
            "cost": {"header": "x-cost", "max": 10}, "maxKeys": 64,
            "tiers": [{"when": {"claim": "plan", "values": ["gold"]}, "requests": 1_000_000, "per": "1s"},
                      {"when": {"header": "x-plan", "values": ["gold"]}, "requests": 1_000_000, "per": "1s"}]})
    };
    json!({"limits": [
        wide("header", json!([{"header": "x-key"}, {"cookie": "session"}])),
        wide("query", json!([{"query": "q"}, {"path": {}}, {"host": {}}, {"method": {}}])),
        wide("facts", json!([{"remoteAddress": {}}, {"claim": "sub"}, {"principal": {}}, {"destination": {}}])),
        wide("template", json!([{"pathTemplates": ["/any/{*}", "/any/{**}/x"]}])),
        {"name": "regex", "match": [{"headers": {"x-key": {"regex": "(a|aa)+$"}}}], "requests": 1_000_000, "per": "1s"},
        {"name": "gone", "match": [{"uri": {"exact": "/gone"}}], "requests": 1, "per": "24h"},
    ]})
}

fn start() -> Envoy {
    let listener = ours(&nosy())
        // Envoy waits a second for a client that could still be sending; this one is not.
        .manager("delayed_close_timeout", json!("0s"))
        .manager("max_request_headers_kb", json!(96))
        .manager(
            "common_http_protocol_options",
            json!({"max_headers_count": 2000}),
        );
    let envoy = Envoy::builder(bootstrap([listener], [])).workers(2).start();
    assert_eq!(
        Client::http1(envoy.addr("ours")).get("/gone").send().status,
        200
    );
    envoy
}

/// Asserts that the module is still alive and does its work on every worker.
fn assert_serves(envoy: &Envoy) {
    let client = Client::http1(envoy.addr("ours"));
    for _ in 0..8 {
        assert_eq!(client.get("/gone").send().status, 429);
        assert_eq!(client.get("/any/1").send().status, 200);
    }
    let log = envoy.log();
    assert!(!log.contains("Function: proxy_"), "a VM failed");
    assert!(!log.contains("panicked at"), "the module panicked");
}

fn send(addr: SocketAddr, head: &[u8]) {
    let mut bytes = head.to_vec();
    bytes.extend(b"host: x\r\nconnection: close\r\n\r\n");
    raw(addr, &bytes, Duration::from_secs(5));
}

#[test]
fn hostile_requests_leave_a_good_one_served() {
    let envoy = start();
    let addr = envoy.addr("ours");
    let long = vec![b'a'; 60 * 1024];

    for bad in [
        &b"\xff"[..],
        b"\x80\x81\xfe",
        b"caf\xe9",
        b"\xc0\xaf",
        b"99999999999999999999",
        b"-1",
        b"",
        &long,
    ] {
        for name in [
            "x-key",
            "cookie",
            "x-cost",
            "x-plan",
            "content-type",
            "x-forwarded-for",
        ] {
            let value = if name == "cookie" {
                b"session="
            } else {
                &b""[..]
            };
            let head = [
                format!("GET /any HTTP/1.1\r\n{name}: ").as_bytes(),
                value,
                bad,
                b"\r\n",
            ]
            .concat();
            send(addr, &head);
        }
    }
    assert_serves(&envoy);

    for path in [
        "/any/%00%ff",
        "/any//..//%2e%2e/",
        "/any?",
        "/any?&&=&==&q",
        "/any?q=%",
        "/any?q=%f",
        "/any?%71=%zz",
        "/any/////x",
        "/any;x=y",
        "*",
        "/any\u{7f}",
        "http://other.example/any?q=1",
        "/any?q=\u{e4}",
    ] {
        send(addr, format!("GET {path} HTTP/1.1\r\n").as_bytes());
    }
    let path = [
        b"GET /any",
        &long[..],
        b"?q=",
        &long[..20_000],
        b" HTTP/1.1\r\n",
    ]
    .concat();
    send(addr, &path);
    assert_serves(&envoy);

    // The same header a thousand times, and a thousand headers.
    let same = "x-key: a\r\nx-cost: 3\r\n".repeat(900);
    send(addr, format!("GET /any HTTP/1.1\r\n{same}").as_bytes());
    let many: String = (0..1000).map(|n| format!("x-{n}: {n}\r\n")).collect();
    send(addr, format!("GET /any HTTP/1.1\r\n{many}").as_bytes());
    assert_serves(&envoy);
}

/// HTTP/2 carries bytes that HTTP/1 parsers stop at.
#[test]
fn hostile_headers_over_http2() {
    let envoy = start();
    let client = Client::http2(envoy.addr("ours"));
    for bad in [&b"\xff\xfe"[..], b"\x80", b"caf\xe9 \xc3"] {
        for name in ["x-key", "x-cost", "cookie", "x-plan"] {
            let _ = client.get("/any").header(name, bad).try_send();
        }
    }
    assert_serves(&envoy);
}

/// More keys than a table holds: the one that was refused before is refused after.
#[test]
fn a_flood_of_keys_makes_no_limit_forget() {
    let config = json!({"limits": [
        {"name": "user", "key": [{"header": "x-key"}], "requests": 2, "per": "1h", "maxKeys": 64},
    ]});
    let envoy = Envoy::builder(bootstrap([ours(&config)], []))
        .workers(2)
        .start();
    let client = Client::http1(envoy.addr("ours"));
    let get = |key: &str| client.get("/").header("x-key", key);
    for status in [200, 200, 429] {
        assert_eq!(get("victim").send().status, status);
    }
    let memory = envoy.admin().memory();
    let flood = client.burst(20_000, 32, |key| get(&key.to_string()).request());
    let admitted = flood.iter().filter(|answer| answer.status == 200).count();
    // 64 keys, of which one is taken, and the overflow bucket of each of eight sets.
    assert!(admitted <= 63 + 8 * 2, "{admitted}");
    assert_eq!(get("victim").send().status, 429);
    let overflow = "wasmcustom.mesh_filters.rate-limit.overflow[policy=user]";
    assert!(envoy.admin().stat(overflow) > 19_000);
    let grown = envoy.admin().memory().saturating_sub(memory);
    assert!(grown < 8_000_000, "{grown} bytes for keys nobody keeps");
}
