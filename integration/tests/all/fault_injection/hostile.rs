//! What an attacker may send: no VM dies of it, and the next good request is served.

use std::time::Duration;

use integration::client::Client;
use integration::envoy::Envoy;
use integration::hostile;
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

#[test]
fn hostile_requests_leave_a_good_one_served() {
    let listener = hostile::admit(ours(&nosy()));
    let envoy = Envoy::builder(bootstrap([listener], [])).start();
    let addr = envoy.addr("ours");
    let headers = [
        "x-a: ",
        "x-b: ",
        "user-agent: ",
        "content-type: ",
        "x-envoy-fault-abort-request: ",
        "x-envoy-fault-delay-request: ",
        "x-envoy-fault-delay-request-percentage: ",
    ];
    hostile::values(addr, "/any", &headers, &[]);
    assert_serves(&envoy, 418);
    hostile::targets(addr, "");
    hostile::targets(addr, "/t");
    assert_serves(&envoy, 418);
    hostile::many(addr, "/any", "x-a: a\r\n");
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
