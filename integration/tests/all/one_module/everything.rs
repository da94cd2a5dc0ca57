//! One configuration in which every filter has something to say, and requests that tell of each whether it
//! says it.

use std::net::SocketAddr;

use integration::client::{Client, Request};
use integration::envoy::Envoy;
use integration::listener::Listener;
use serde_json::{Value, json};

use crate::one_module::chains::MODULE;
use crate::one_module::service;
use crate::one_module::tokens::{A, TOKENS, keys_of};

/// The listener.
pub(crate) const NAME: &str = "one";

/// Where a limit is that is used up by [`use_up`].
const COUNTED: &str = "/counted";
/// Where the authorization service is asked.
pub(crate) const ASKED: &str = "/ask";

/// What each filter does: refuse a bad token, deny `/admin`, count `/counted`, abort `/abort`, tag the rest.
pub(crate) fn configuration() -> Value {
    json!({
        "requestAuthentication": {"jwtRules": [{
            "issuer": A,
            "jwks": keys_of(A),
            "outputClaimToHeaders": [{"header": "x-sub", "claim": "sub"}],
        }]},
        "authorizationPolicy": {
            "extensionProviders": [service::provider()],
            "policies": [
                {"name": "ask", "namespace": "ns", "action": "CUSTOM", "provider": {"name": "authz"},
                 "rules": [{"to": [{"operation": {"paths": [ASKED]}}]}]},
                {"name": "admin", "namespace": "ns", "action": "DENY",
                 "rules": [{"to": [{"operation": {"paths": ["/admin"]}}]}]},
            ],
        },
        "rateLimit": {"limits": [
            {"name": "counted", "match": [{"uri": {"exact": COUNTED}}], "requests": 1, "per": "24h"},
        ]},
        "faultInjection": {"http": [
            {"name": "abort", "match": [{"uri": {"exact": "/abort"}}],
             "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": 418}}},
        ]},
        "telemetryTags": {"tags": [{"name": "sub", "header": {"name": "x-sub"}}]},
    })
}

/// A listener with the module and this configuration.
pub(crate) fn one(config: &Value) -> Listener {
    observed(Listener::new(NAME).module(MODULE, config))
}

/// What the tests look at in the access log.
pub(crate) fn observed(listener: Listener) -> Listener {
    listener.log("sub", "%FILTER_STATE(wasm.mesh_filters.tag.sub:PLAIN)%")
}

/// Uses up the limit.
#[track_caller]
pub(crate) fn use_up(addr: SocketAddr) {
    assert_eq!(Client::http1(addr).get(COUNTED).send().status, 200);
}

/// Requests, each about another filter, and the status that it makes of them.
pub(crate) fn telling() -> Vec<(Request, u16)> {
    let bearer = |token: &str| Request::get("/").header("authorization", format!("Bearer {token}"));
    vec![
        (bearer("a.b.c"), 401),
        (Request::get(ASKED).header(service::ASKED, "deny"), 403),
        (Request::get("/admin"), 403),
        (Request::get(COUNTED), 429),
        (Request::get("/abort"), 418),
        (bearer(&TOKENS[0]), 200),
    ]
}

/// Asserts that every filter does its work in every worker, and that no VM has died.
#[track_caller]
pub(crate) fn assert_serves(envoy: &Envoy) {
    let client = Client::http1(envoy.addr(NAME));
    for _ in 0..4 {
        for (request, status) in telling() {
            let answer = client.send(request.clone());
            assert_eq!(answer.status, status, "{request}");
        }
    }
    let log = envoy.log();
    assert!(!log.contains("Function: proxy_"), "a VM failed");
    assert!(!log.contains("panicked at"), "the module panicked");
}
