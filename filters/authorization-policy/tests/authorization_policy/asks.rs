//! What a decision asks of Envoy: each question costs half a microsecond, so the least that decides
//! is asked, and once.

use authorization_policy::AuthorizationPolicy;
use sdk_helpers::request::HeaderSource;
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{Headers, Request, load};
use serde_json::{Value, json};

const IDENTITY: &str = "spiffe://cluster.local/ns/default/sa/bookinfo-productpage";

/// A request of which only the path may be asked for alone.
fn by_path() -> Request {
    Request::lazy(&HeaderSource {
        has: |name| panic!("asked for {name}"),
        one: |name| (name == ":path").then(|| b"/reviews/7?x=1".to_vec()),
        all: || panic!("asked for all headers"),
    })
}

/// A request of which only all headers may be asked for.
fn by_map() -> Request {
    Request::lazy(&HeaderSource {
        has: |name| panic!("asked for {name}"),
        one: |name| panic!("asked for {name}"),
        all: || {
            Headers::from_pairs([
                (":method", "GET"),
                (":path", "/reviews/7?x=1"),
                (":authority", "reviews:9080"),
            ])
        },
    })
}

/// A request that may not be looked at.
fn unseen() -> Request {
    Request::lazy(&HeaderSource {
        has: |_| panic!("looked at"),
        one: |_| panic!("looked at"),
        all: || panic!("looked at"),
    })
}

/// Whether the request is allowed, and which attributes were asked for.
fn asked(policies: Value, single: bool, request: &Request) -> (bool, Vec<String>) {
    let config = json!({"singleUriSan": single, "policies": policies}).to_string();
    let filter = load::<AuthorizationPolicy>(config.as_bytes(), &FakeWorld::new())
        .unwrap()
        .filter;
    let world = FakeWorld::new();
    world.set_property(&["connection", "uri_san_peer_certificate"], IDENTITY);
    let policy = filter.policy();
    let verdict = policy.decide(&policy.view(request, &world));
    (verdict.allowed, world.asked())
}

fn viewer(action: &str, principal: &str) -> Value {
    json!([{"name": "p", "action": action, "rules": [{
        "from": [{"source": {"principals": [principal]}}],
        "to": [{"operation": {"methods": ["GET"]}}],
    }]}])
}

#[test]
fn no_policies_ask_nothing() {
    let all = json!([{"rules": [{}]}]);
    assert_eq!(asked(all, false, &unseen()), (true, vec![]));
    assert_eq!(asked(json!([{}]), false, &unseen()), (false, vec![]));
}

#[test]
fn paths_ask_for_the_path_alone() {
    let rules =
        |path: &str| json!([{"rules": [{"to": [{"operation": {"paths": [path, "/x/{*}"]}}]}]}]);
    assert_eq!(
        asked(rules("/reviews/*"), false, &by_path()),
        (true, vec![])
    );
    assert_eq!(
        asked(rules("/ratings/*"), false, &by_path()),
        (false, vec![])
    );
}

#[test]
fn a_peer_is_asked_for_where_all_else_holds() {
    let first = "connection.uri_san_peer_certificate".to_owned();
    let good = "cluster.local/ns/default/sa/bookinfo-productpage";
    assert_eq!(
        asked(viewer("ALLOW", good), true, &by_map()),
        (true, vec![first.clone()])
    );
    assert_eq!(
        asked(viewer("ALLOW", good), false, &by_map()),
        (
            true,
            vec![
                "filter_state.mesh_filters.peer.uri_sans".to_owned(),
                first.clone()
            ]
        )
    );
    // Of another method nobody asks who sent it.
    let other = json!([{"rules": [{
        "from": [{"source": {"principals": [good]}}],
        "to": [{"operation": {"methods": ["POST"]}}],
    }]}]);
    assert_eq!(asked(other, false, &by_map()), (false, vec![]));
    // That nothing is denied takes all names, but no subject: it is no SPIFFE id.
    let names = vec![first, "connection.dns_san_peer_certificate".to_owned()];
    assert_eq!(
        asked(viewer("DENY", "cluster.local/ns/a/sa/b"), true, &by_map()),
        (true, names)
    );
}

#[test]
fn a_refusal_asks_what_tells_the_closest_rule_and_once() {
    let rules: Vec<Value> = (0..100)
        .map(|n| {
            json!({
                "to": [{"operation": {"paths": [format!("/{n}")]}}],
                "from": [{"source": {"principals": ["a"], "ipBlocks": ["10.0.0.1"]}}],
                "when": [{"key": "request.auth.claims[a]", "values": ["1"]}],
            })
        })
        .collect();
    let asked_of = |path: &str| {
        let own = json!({"to": [{"operation": {"paths": [path]}}], "when": [{"key": "destination.port", "values": ["1"]}]});
        let rules = [rules.as_slice(), &[own]].concat();
        asked(json!([{"rules": rules}]), true, &by_path())
    };
    // What no other rule's path leads to is not asked for.
    let port = vec!["destination.port".to_owned()];
    assert_eq!(asked_of("/reviews/*"), (false, port));
    // Where no rule has the path, whatever any of them asks for.
    let all = [
        "connection.uri_san_peer_certificate",
        "connection.dns_san_peer_certificate",
        "filter_state.mesh_filters.peer.address",
        "filter_state.wasm.mesh_filters.claims",
        "metadata",
        "destination.port",
    ];
    assert_eq!(asked_of("/other"), (false, all.map(str::to_owned).into()));
}
