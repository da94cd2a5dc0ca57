//! What an attacker may send: no VM dies of it, no limit forgets, and the next good request is
//! served.

use integration::client::Client;
use integration::envoy::Envoy;
use integration::hostile;
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
    let listener = hostile::admit(ours(&nosy()));
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

#[test]
fn hostile_requests_leave_a_good_one_served() {
    let envoy = start();
    let addr = envoy.addr("ours");
    let headers = [
        "x-key: ",
        "cookie: session=",
        "x-cost: ",
        "x-plan: ",
        "content-type: ",
        "x-forwarded-for: ",
    ];
    hostile::values(addr, "/any", &headers, &[]);
    assert_serves(&envoy);
    hostile::targets(addr, "/any");
    assert_serves(&envoy);
    hostile::many(addr, "/any", "x-key: a\r\nx-cost: 3\r\n");
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
