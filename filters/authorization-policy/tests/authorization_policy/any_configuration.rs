//! Configurations and requests nobody thought of: whatever comes, it is loaded or refused, decided
//! and never fatal.

use authorization_policy::config::Wire;
use authorization_policy::{AuthorizationPolicy, Memory};
use proptest::prelude::*;
use sdk_helpers::claims;
use sdk_helpers::config::arbitrary;
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{Decision, Filter, Headers, Request, load};
use serde_json::{Value, json};

/// Leaves that are right somewhere, and leaves that are right nowhere.
fn leaf() -> impl Strategy<Value = Value> {
    arbitrary::leaf::<Wire>(&[
        "ALLOW",
        "DENY",
        "AUDIT",
        "CUSTOM",
        "/a",
        "/a/{*}",
        "/{**}/b",
        "{*}",
        "{",
        "*",
        "**",
        "*a*",
        "a*b",
        "",
        "GET",
        "10.0.0.0/8",
        "::1",
        "1.2.3.4/33",
        "80",
        "99999",
        "td/ns/a/sa/b",
        "spiffe://td",
        "https://a/b",
        "request.headers[x-a]",
        "request.headers[]",
        "request.auth.claims[a][b]",
        "request.auth.claims[a[b]]",
        "source.ip",
        "remote.ip",
        "destination.port",
        "connection.sni",
        "source.principal",
        "experimental.envoy.filters.x[k]",
        "a b",
        "\u{0}",
        "é",
        "AuthorizationPolicy",
    ])
}

/// Trees that use the filter's own field names, wherever.
fn tree() -> impl Strategy<Value = Value> {
    arbitrary::tree::<Wire>(leaf())
}

/// One policy that is right, but for what the values make of it.
fn policy() -> impl Strategy<Value = Value> {
    let list = || prop::collection::vec(leaf(), 0..3);
    (leaf(), list(), list(), list(), leaf(), tree()).prop_map(|(action, source, operation, values, key, more)| {
        json!({
            "action": action,
            "rules": [{
                "from": [{"source": {"principals": source, "notRequestPrincipals": source, "remoteIpBlocks": source}}],
                "to": [{"operation": {"paths": operation, "notHosts": operation, "ports": operation}}],
                "when": [{"key": key, "values": values}],
            }, more],
        })
    })
}

fn header() -> impl Strategy<Value = (String, Vec<u8>)> {
    let names = prop::sample::select(vec![
        ":path",
        ":method",
        ":authority",
        "x-a",
        "end-user",
        "content-type",
    ]);
    let values = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "[0-9]{0,22}".prop_map(String::into_bytes),
        "/[a-z?&=/#%]{0,20}".prop_map(String::into_bytes),
    ];
    (names.prop_map(str::to_owned), values)
}

/// Loads and decides; attributes are any bytes too.
fn decide(bytes: &[u8], headers: &[(String, Vec<u8>)], fact: &[u8]) {
    match load::<AuthorizationPolicy>(bytes, &FakeWorld::new()) {
        Ok(loaded) => {
            let world = FakeWorld::new();
            for path in [
                ["connection", "uri_san_peer_certificate"],
                ["connection", "subject_peer_certificate"],
                ["connection", "requested_server_name"],
                ["source", "address"],
                ["destination", "address"],
                ["destination", "port"],
                ["filter_state", "mesh_filters.peer.address"],
                ["filter_state", "mesh_filters.peer.uri_sans"],
                claims::PATH,
            ] {
                world.set_property(&path, fact);
            }
            world.set_property(&["metadata"], fact);
            let request = Request::new(Headers::from_pairs(headers.iter().cloned()));
            let decision = loaded
                .filter
                .on_request(&request, &world, &mut Memory::default());
            if let Decision::Reply(reply) = decision {
                assert_eq!(reply.status, 403);
                assert!(
                    reply
                        .record
                        .noted()
                        .all(|(_, detail)| !detail.contains([',', ' ']))
                );
            }
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in errors {
                let line = error.to_string();
                assert!(!error.problem.is_empty() && !line.contains('\n'), "{line}");
            }
        }
    }
}

fn fact() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "(spiffe://)?[a-z/ns:0-9.,\\[\\]%-]{0,30}".prop_map(String::into_bytes),
        r#"\{"(iss|sub|a)":("[a-z]{0,3}"|\[\]|[0-9])\}"#.prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_tree(tree in tree(), headers in prop::collection::vec(header(), 0..8), fact in fact()) {
        decide(tree.to_string().as_bytes(), &headers, &fact);
    }

    #[test]
    fn any_policy(policies in prop::collection::vec(policy(), 0..4), headers in prop::collection::vec(header(), 0..8), fact in fact()) {
        decide(json!({"policies": policies}).to_string().as_bytes(), &headers, &fact);
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        decide(&bytes, &[], &[]);
    }

    /// A good configuration with any of its bytes changed.
    #[test]
    fn a_good_configuration_spoilt(at in any::<prop::sample::Index>(), byte in any::<u8>(), headers in prop::collection::vec(header(), 0..4), fact in fact()) {
        let good = json!({"trustDomain": "td", "policies": [{"name": "a", "namespace": "b", "action": "DENY", "rules": [{
            "from": [{"source": {"principals": ["td/ns/a/sa/*"], "notNamespaces": ["a*b"], "ipBlocks": ["10.0.0.0/8"]}}, {"source": {"serviceAccounts": ["a/b"]}}],
            "to": [{"operation": {"paths": ["/a/{*}/b", "*c"], "hosts": ["a.example"], "notPorts": ["80"]}}],
            "when": [{"key": "request.auth.claims[a][b]", "values": ["x*"]}, {"key": "source.trustDomain", "notValues": ["*d"]}]}]}]});
        let mut bytes = good.to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        decide(&bytes, &headers, &fact);
    }
}
