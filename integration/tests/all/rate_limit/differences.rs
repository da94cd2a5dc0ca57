//! What the README says that ours does otherwise than Envoy's filters, and what it does as they do
//! although it holds a request by other means.

use std::time::Duration;

use integration::client::{Client, Request};
use integration::listener::{Listener, cluster};
use integration::shared::Shared;
use integration::upstream::{Answer, Upstream};
use sdk_helpers::protobuf::Message;
use serde_json::json;

/// A listener with Envoy's own `ratelimit` filter, which asks `rls` by this action.
pub(crate) fn asking(action: &serde_json::Value) -> Listener {
    Listener::new("native").filter(
        "envoy.filters.http.ratelimit",
        "ratelimit.v3.RateLimit",
        json!({
            "domain": "d",
            "timeout": "3s",
            "rate_limit_service": {
                "grpc_service": {"envoy_grpc": {"cluster_name": "rls"}},
                "transport_api_version": "V3",
            },
            "rate_limits": [{"actions": [action]}],
        }),
    )
}

/// A listener with Envoy's own `ratelimit` filter, and one with ours, that ask `rls`.
fn both(routes: &serde_json::Value) -> [Listener; 2] {
    let action = json!({"generic_key": {"descriptor_value": "all"}});
    let native = asking(&action);
    let mine = crate::rate_limit::ours(&json!({
        "limits": [{"name": "all", "global": true}],
        "global": {"domain": "d", "cluster": "rls", "timeout": "3s"},
    }));
    let routes = routes.as_array().unwrap();
    [native, mine].map(|listener| listener.routes(routes.clone()))
}

/// A header that the service has added is one that a route may ask for.
#[test]
fn the_route_is_chosen_again_after_the_services_headers() {
    let service = Upstream::with(|_| {
        let header = Message::new().bytes(1, "x-choose").bytes(2, "b");
        Answer::grpc(&Message::new().number(1, 1).message(4, &header).into_bytes())
    });
    let upstream = Upstream::start();
    let chosen = json!([{"name": "x-choose", "string_match": {"exact": "b"}}]);
    let routes = json!([
        {"match": {"prefix": "/", "headers": chosen}, "direct_response": {"status": 218}},
        {"match": {"prefix": "/"}, "route": {"cluster": "upstream"}},
    ]);
    let clusters = [
        cluster("rls", service.addr(), true),
        cluster("upstream", upstream.addr(), false),
    ];
    let envoy = Shared::start(both(&routes), clusters);
    let status = |listener| Client::http1(envoy.addr(listener)).get("/").send().status;
    assert_eq!((status("native"), status("ours")), (200, 218));
}

/// A body that Envoy cannot hold waits with its sender while the service thinks.
#[test]
fn a_large_body_waits_for_the_service() {
    let service = Upstream::with(|_| {
        let yes = Message::new().number(1, 1).into_bytes();
        Answer::grpc(&yes).after(Duration::from_millis(500))
    });
    let upstream = Upstream::start();
    let routes = json!([{"match": {"prefix": "/"}, "route": {"cluster": "upstream"}}]);
    let clusters = [
        cluster("rls", service.addr(), true),
        cluster("upstream", upstream.addr(), false),
    ];
    let envoy = Shared::start(both(&routes), clusters);
    for listener in ["native", "ours"] {
        for client in [Client::http1, Client::http2] {
            let client = client(envoy.addr(listener));
            let large = Request::post("/", vec![b'x'; 4_000_000]);
            assert_eq!(client.send(large).status, 200, "{listener}");
        }
    }
}
