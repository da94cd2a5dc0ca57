//! What an attacker may send, with every filter looking at it: no VM dies of it, no limit forgets, and good
//! requests are served.

use integration::client::Client;
use integration::envoy::Envoy;
use integration::hostile;
use integration::jwt::{Algorithm, Key, attacks};
use integration::listener::{bootstrap, cluster};
use integration::upstream::Upstream;
use serde_json::{Value, json};

use crate::one_module::everything::{ASKED, NAME, assert_serves, configuration, one, use_up};
use crate::one_module::service;
use crate::one_module::tokens::{A, B, keys_of};

/// Where the filters look closely.
const ANY: &str = "/any";

/// Each filter looks at all it can look at, wherever an earlier one may have written.
fn nosy() -> Value {
    let mut config = configuration();
    let matched = json!([{"uri": {"prefix": ANY}}]);
    config["requestAuthentication"]["jwtRules"] = json!([
        {"issuer": A, "jwks": keys_of(A), "outputPayloadToHeader": "x-payload",
         "fromHeaders": [{"name": "authorization", "prefix": "Bearer "}, {"name": "x-jwt"}],
         "fromParams": ["token"], "fromCookies": ["session"],
         "outputClaimToHeaders": [{"header": "x-sub", "claim": "sub"}, {"header": "x-plan", "claim": "plan"}]},
        {"issuer": B, "jwks": keys_of(B), "fromHeaders": [{"name": "x-jwt"}, {"name": "x-odd", "prefix": "\u{fc}"}]},
    ]);
    let policies = config["authorizationPolicy"]["policies"]
        .as_array_mut()
        .unwrap();
    policies.push(json!({"name": "nosy", "namespace": "ns", "action": "DENY", "rules": [
        {"when": [{"key": "request.headers[x-sub]", "values": ["*never"]},
                  {"key": "request.auth.claims[plan]", "values": ["never*"]}]},
        {"to": [{"operation": {"paths": ["/any/{*}/{**}/never", "*never"], "hosts": ["never.example"]}}]},
    ]}));
    let limits = config["rateLimit"]["limits"].as_array_mut().unwrap();
    for (n, key) in [
        json!([{"header": "x-sub"}, {"cookie": "session"}]),
        json!([{"query": "token"}, {"path": {}}, {"host": {}}]),
        json!([{"claim": "sub"}, {"remoteAddress": {}}, {"principal": {}}]),
    ]
    .into_iter()
    .enumerate()
    {
        limits.push(
            json!({"name": format!("nosy-{n}"), "match": matched, "key": key, "maxKeys": 64,
            "requests": 1_000_000, "per": "1s", "cost": {"header": "x-cost", "max": 10}}),
        );
    }
    let faults = config["faultInjection"]["http"].as_array_mut().unwrap();
    faults.push(json!({"match": [{"headers": {"x-sub": {"regex": "(a|aa)+$"}}, "queryParams": {"token": {"regex": "[a-z]{1,200}"}}}],
        "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": 500}}}));
    faults.push(json!({"match": matched, "fault": {"abort": {"percentage": {"numerator": 100}, "headerAbort": {}}}}));
    config["telemetryTags"] = json!({
        "tags": [
            {"name": "sub", "header": {"name": "x-sub"}, "maxValues": 8},
            {"name": "shape", "expression": "request.url_path", "templates": ["/any/{id}", "/{**}"]},
            {"name": "cookie", "expression": "request.headers['cookie'].contains('session') ? 'one' : 'none'"},
            {"name": "asked", "expression": "request.headers['x-cost'].matches('[0-9]+') ? request.path : request.host", "maxValues": 8},
        ],
        "metrics": [{}],
    });
    config
}

/// One after the other in one Envoy, since what one leaves behind, the next one meets.
#[test]
fn hostile_requests_leave_good_ones_served() {
    let authorizer = Upstream::with(|request| service::answer(&request));
    let listener = hostile::admit(one(&nosy()));
    let clusters = [cluster(service::CLUSTER, authorizer.addr(), false)];
    let envoy = Envoy::builder(bootstrap([listener], clusters))
        .workers(2)
        .start();
    use_up(envoy.addr(NAME));
    assert_serves(&envoy);
    for attack in [odd_bytes, odd_targets, odd_bytes_over_http2, forged_tokens] {
        attack(&envoy);
        assert_serves(&envoy);
    }
}

fn odd_bytes(envoy: &Envoy) {
    let addr = envoy.addr(NAME);
    let headers = [
        "authorization: ",
        "authorization: Bearer ",
        "x-jwt: ",
        "x-odd: \u{fc}",
        "cookie: session=",
        "x-sub: ",
        "x-cost: ",
        "content-type: ",
        "x-forwarded-for: ",
        "x-envoy-fault-abort-request: ",
    ];
    let tokens = [&b"Bearer \xff.\xff.\xff"[..], &[b'.'; 64 * 1024]];
    hostile::values(addr, ANY, &headers, &tokens);
    let asked = ["x-authz: ", "cookie: ", "authorization: "];
    hostile::values(addr, ASKED, &asked, &[]);
}

fn odd_targets(envoy: &Envoy) {
    let addr = envoy.addr(NAME);
    hostile::targets(addr, ANY);
    hostile::targets(addr, "");
    hostile::many(addr, ANY, "x-sub: a\r\nx-cost: 3\r\nx-jwt: a.b.c\r\n");
}

/// HTTP/2 carries bytes that HTTP/1 parsers stop at.
fn odd_bytes_over_http2(envoy: &Envoy) {
    let client = Client::http2(envoy.addr(NAME));
    let names = [
        "authorization",
        "x-jwt",
        "x-sub",
        "x-cost",
        "cookie",
        "x-authz",
    ];
    for bad in [&b"\xff\xfe"[..], b"\x80", b"caf\xe9 \xc3"] {
        for name in names {
            for path in [ANY, ASKED] {
                let _ = client.get(path).header(name, bad).try_send();
            }
        }
    }
}

/// Tokens that nobody signed get past no filter, at any place.
fn forged_tokens(envoy: &Envoy) {
    let client = Client::http1(envoy.addr(NAME));
    let key = Key::new(Algorithm::Rs256, "one-module-a");
    let claims = json!({"iss": A, "sub": "jason", "exp": 4_102_444_800_u64});
    for attack in attacks(&key, &claims) {
        let bearer = format!("Bearer {}", attack.token);
        let cookie = format!("session={}", attack.token);
        let requests = [
            client.get(ANY).header("authorization", bearer),
            client.get(ANY).header("x-jwt", &attack.token),
            client.get(ANY).header("cookie", cookie),
        ];
        for request in requests {
            assert_eq!(request.send().status, 401, "{}", attack.name);
        }
    }
}
