//! What a match asks Envoy for: the route, the port, the node, and claims that Envoy's own filter
//! verified.

use integration::client::Client;
use integration::envoy::{Envoy, free_addr};
use integration::listener::{Listener, bootstrap};
use serde_json::{Value, json};

use crate::fault_injection::{FILTER, ours};

fn abort_where(matched: Value) -> Value {
    json!({"http": [{"match": [matched], "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": 503}}}]})
}

#[test]
fn the_route_by_its_name() {
    let route = |name: &str, prefix: &str| json!({"name": name, "match": {"prefix": prefix}, "direct_response": {"status": 200}});
    let listener = ours(&abort_where(json!({"route": {"prefix": "reviews"}})))
        .routes(vec![route("reviews-v2", "/reviews"), route("rest", "/")]);
    let envoy = Envoy::builder(bootstrap([listener], [])).start();
    let client = Client::http1(envoy.addr("ours"));
    assert_eq!(client.get("/reviews/1").send().status, 503);
    assert_eq!(client.get("/other").send().status, 200);
}

#[test]
fn the_port_of_the_listener() {
    let mut listener = ours(&abort_where(json!({"port": 1}))).build();
    let port = free_addr().port();
    listener["address"]["socket_address"]["port_value"] = json!(port);
    let text = listener
        .to_string()
        .replace("\"port\":1}", &format!("\"port\":{port}}}"));
    let listener: Value = serde_json::from_str(&text).unwrap();
    let other = Listener::new("other")
        .module(FILTER, &abort_where(json!({"port": port})))
        .build();
    let config = json!({"static_resources": {"listeners": [listener, other]}});
    let envoy = Envoy::builder(integration::envoy::Config::from_value(config)).start();
    assert_eq!(
        Client::http1(envoy.addr("ours")).get("/").send().status,
        503
    );
    assert_eq!(
        Client::http1(envoy.addr("other")).get("/").send().status,
        200
    );
}

#[test]
fn labels_and_namespace_of_the_node() {
    let listeners = [
        ("right", json!({"sourceLabels": {"app": "productpage", "version": "v1"}, "sourceNamespace": "default"})),
        ("label", json!({"sourceLabels": {"app": "reviews"}})),
        ("namespace", json!({"sourceNamespace": "bookinfo"})),
    ]
    .map(|(name, matched)| Listener::new(name).module(FILTER, &abort_where(matched)));
    let mut config = bootstrap(listeners, []);
    config.value_mut()["node"] = json!({"id": "sidecar", "cluster": "productpage", "metadata": {
        "LABELS": {"app": "productpage", "version": "v1"}, "NAMESPACE": "default",
    }});
    let envoy = Envoy::builder(config).start();
    for (name, status) in [("right", 503), ("label", 200), ("namespace", 200)] {
        let answer = Client::http1(envoy.addr(name)).get("/").send();
        assert_eq!(answer.status, status, "{name}");
    }
}

/// Signed with HS256 by the key below, good until 2100: `{"iss": "tests@mesh-filters.example", "sub":
/// "jason", "foo": "bar", "nothing": null, …}`.
const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsImtpZCI6InRlc3QiLCJ0eXAiOiJKV1QifQ.\
    eyJpc3MiOiJ0ZXN0c0BtZXNoLWZpbHRlcnMuZXhhbXBsZSIsInN1YiI6Imphc29uIiwiZm9vIjoiYmFyIiwibm90aGluZyI6bnVsbCwiZXhwIjo0MTAyNDQ0ODAwfQ.\
    H6bHYTIftBEvjDRQ9uuyg9m91nzc4a1JFcXAE-ZEWMY";
const KEYS: &str = r#"{"keys":[{"kty":"oct","alg":"HS256","kid":"test","k":"YSBzaGFyZWQgc2VjcmV0IGZvciB0ZXN0cyBvbmx5Li4"}]}"#;

#[test]
fn claims_that_envoys_own_filter_verified() {
    let authenticate = json!({
        "providers": {"demo": {
            "issuer": "tests@mesh-filters.example",
            "local_jwks": {"inline_string": KEYS},
            "payload_in_metadata": "payload",
            "forward": true,
        }},
        "rules": [{"match": {"prefix": "/"}, "requires": {"requires_any": {"requirements": [
            {"provider_name": "demo"}, {"allow_missing": {}},
        ]}}}],
    });
    let listener = Listener::new("ours")
        .filter(
            "envoy.filters.http.jwt_authn",
            "jwt_authn.v3.JwtAuthentication",
            authenticate,
        )
        .module(
            FILTER,
            &abort_where(json!({"claims": {"foo": {"exact": "bar"}}})),
        );
    let envoy = Envoy::builder(bootstrap([listener], [])).start();
    let client = Client::http1(envoy.addr("ours"));
    assert_eq!(client.get("/").send().status, 200);
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(
        client
            .get("/")
            .header("authorization", bearer)
            .send()
            .status,
        503
    );
}
