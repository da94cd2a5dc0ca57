//! A shop as tutorials have one, and what its proxies are told.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test support: a panic is how a test fails"
)]

mod mesh_config;
mod secrets;
mod sidecars;
mod silence;
mod support;
mod telemetry;

use serde_json::{Value, json};
use support::{Shop, find, hosts, resources};

#[test]
fn requests_are_shared_out_as_the_virtual_service_says() {
    let (shop, said) = Shop::with("");
    assert_eq!(
        said,
        [
            "shop.yaml:15:87: port 5432 is for TCP: nobody is led there: only HTTP is routed here",
            "shop.yaml:70:59: consecutiveErrors is an old name: here it counts as consecutive5xxErrors; today's Istio \
          passes over it, and Envoy's own default holds, five"
        ]
    );
    let routes = &resources(&shop.sidecar("page-v1"), "routes.json")[0].1;
    let reviews = find(&hosts(routes), "reviews.default.svc.cluster.local:9080");
    assert_eq!(
        reviews["domains"],
        json!([
            "reviews.default.svc.cluster.local:9080",
            "reviews:9080",
            "reviews.default.svc:9080",
            "reviews.default:9080",
            "reviews.default.svc.cluster.local.:9080"
        ])
    );
    let jason = &reviews["routes"][0];
    assert_eq!(
        jason["match"]["headers"],
        json!([{"name": "end-user", "string_match": {"exact": "jason"}}])
    );
    assert_eq!(
        jason["route"]["cluster"],
        "outbound|9080|v2|reviews.default.svc.cluster.local"
    );
    assert_eq!(
        reviews["routes"][1]["route"]["weighted_clusters"]["clusters"],
        json!([
            {"name": "outbound|9080|v1|reviews.default.svc.cluster.local", "weight": 80},
            {"name": "outbound|9080|v2|reviews.default.svc.cluster.local", "weight": 20},
        ])
    );
    // Another namespace's service has no short name, and port 80 needs none.
    let orders = find(&hosts(routes), "orders.back.svc.cluster.local:80");
    assert_eq!(
        orders["domains"].as_array().unwrap()[..3],
        [
            "orders.back.svc.cluster.local",
            "orders.back.svc",
            "orders.back"
        ]
        .map(|name| json!(name))
    );
    assert_eq!(
        orders["routes"][0]["route"]["retry_policy"]["num_retries"],
        2
    );
}

#[test]
fn subsets_are_clusters_with_the_endpoints_that_have_their_labels() {
    let (shop, _) = Shop::with("");
    let clusters = resources(&shop.sidecar("page-v1"), "clusters.json");
    let endpoints = |name: &str| {
        let cluster = find(&clusters, name);
        let all = cluster.pointer("/load_assignment/endpoints/0/lb_endpoints");
        let all = all.and_then(Value::as_array).into_iter().flatten();
        let address = |one: &Value| {
            let address = &one["endpoint"]["address"]["socket_address"];
            format!(
                "{}:{}",
                address["address"].as_str().unwrap(),
                address["port_value"]
            )
        };
        all.map(address).collect::<Vec<String>>()
    };
    let reviews =
        |subset: &str| format!("outbound|9080|{subset}|reviews.default.svc.cluster.local");
    assert_eq!(
        endpoints(&reviews("v1")),
        ["127.10.1.1:8000", "127.10.1.2:8000"]
    );
    assert_eq!(endpoints(&reviews("v2")), ["127.10.1.3:8000"]);
    assert_eq!(endpoints(&reviews("")).len(), 3);
    assert_eq!(
        endpoints("outbound|80||orders.back.svc.cluster.local"),
        ["127.10.1.4:8080"]
    );

    let v2 = find(&clusters, &reviews("v2"));
    assert_eq!(v2["lb_policy"], "RANDOM");
    assert_eq!(
        v2["circuit_breakers"]["thresholds"][0]["max_connections"],
        3
    );
    assert_eq!(v2["outlier_detection"]["consecutive_5xx"], 2);
    let v1 = find(&clusters, &reviews("v1"));
    assert_eq!(v1["outlier_detection"], Value::Null);
    // Mutual TLS where a sidecar answers, with the name and the identities that istiod would ask for.
    let socket = &v1["transport_socket_matches"][0];
    assert_eq!(socket["match"], json!({"tlsMode": "istio"}));
    let context = &socket["transport_socket"]["typed_config"];
    assert_eq!(
        context["sni"],
        "outbound_.9080_.v1_.reviews.default.svc.cluster.local"
    );
    let names =
        &context["common_tls_context"]["validation_context"]["match_typed_subject_alt_names"];
    assert_eq!(
        names[0]["matcher"]["exact"],
        "spiffe://cluster.local/ns/default/sa/reviews"
    );
}

#[test]
fn a_workload_takes_what_its_peer_authentication_says() {
    let strict = "kind: PeerAuthentication\nmetadata: {name: default, namespace: istio-system}\nspec: {mtls: {mode: STRICT}}\n";
    for (more, expected) in [("", vec!["tls", "raw_buffer"]), (strict, vec!["tls"])] {
        let (shop, _) = Shop::with(more);
        let listeners = resources(&shop.sidecar("reviews-v1"), "listeners.json");
        let inbound = find(&listeners, "127.10.1.1_8000");
        let chains = inbound["filter_chains"].as_array().unwrap();
        let transports: Vec<&str> = chains
            .iter()
            .map(|chain| {
                chain["filter_chain_match"]["transport_protocol"]
                    .as_str()
                    .unwrap()
            })
            .collect();
        assert_eq!(transports, expected);
    }
}

#[test]
fn a_gateway_serves_the_virtual_services_that_name_it() {
    let (shop, _) = Shop::with("");
    let gateway = shop.gateway();
    assert_eq!(
        gateway.id,
        "router~127.10.0.1~istio-ingressgateway.istio-system~istio-system.svc.cluster.local"
    );
    let routes = resources(&gateway, "routes.json");
    let host = find(&hosts(&find(&routes, "http.80")), "*:80");
    let paths = host["routes"].as_array().unwrap();
    assert_eq!(paths.len(), 2);
    assert_eq!(paths[0]["match"]["path"], "/page");
    assert_eq!(paths[1]["match"]["prefix"], "/static");
    assert_eq!(
        paths[0]["route"]["cluster"],
        "outbound|9080||page.default.svc.cluster.local"
    );
    let listeners = resources(&gateway, "listeners.json");
    let address = &find(&listeners, "0.0.0.0_80")["address"]["socket_address"];
    assert_eq!(
        *address,
        json!({"address": "127.10.0.1", "port_value": 8080})
    );
}

#[test]
fn what_is_not_carried_over_is_said_with_its_place() {
    let (_, said) = Shop::with(
        "apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: other}
spec:
  hosts: [page]
  tcp: [{route: [{destination: {host: page}}]}]
  http:
  - route: [{destination: {host: page}}]
    retries: {attempts: 2, retryRemoteLocalities: true}
    mirror: {host: reviews, zone: a}
",
    );
    let own: Vec<&String> = said
        .iter()
        .filter(|one| !one.contains("consecutiveErrors") && !one.contains("port 5432"))
        .collect();
    assert_eq!(
        own,
        [
            "shop.yaml:95:8: routes for connections: they are not there; only HTTP is routed here",
            "shop.yaml:98:51: retries in other localities: there is one locality here",
            "shop.yaml:99:35: spec.http[0].mirror.zone is not carried over: it does nothing in this mesh",
        ]
    );
}
