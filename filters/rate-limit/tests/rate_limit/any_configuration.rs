//! Configurations, requests and answers nobody thought of: whatever comes, it is loaded or refused,
//! decided and never fatal.

use std::time::Duration;

use proptest::prelude::*;
use rate_limit::RateLimit;
use rate_limit::config::Wire;
use sdk_helpers::config::arbitrary;
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{CallResult, Decision, Filter, Headers, Request, Resume, load};
use serde_json::{Value, json};

/// Leaves that are right somewhere, and leaves that are right nowhere.
fn leaf() -> impl Strategy<Value = Value> {
    arbitrary::leaf::<Wire>(&[
        "1s",
        "1ms",
        "0.5ms",
        "8760h",
        "2562047h",
        "sub",
        "[a.b][c]",
        "x-a",
        "session",
        "/a",
        "/a/{*}",
        "10.0.0.0/8",
        "::/0",
        "(",
        "allow",
        "deny",
        "skip",
        "shared",
        "fallback",
        "UNAVAILABLE",
        "a b",
        "\u{0}",
        "é",
        "",
    ])
}

/// Trees that use the filter's own field names, wherever.
fn tree() -> impl Strategy<Value = Value> {
    arbitrary::tree::<Wire>(leaf())
}

/// A part of a key that is right.
fn part() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!({"claim": "sub"}),
        json!({"header": "x-a"}),
        json!({"cookie": "session"}),
        json!({"query": "q"}),
        json!({"path": {}}),
        json!({"pathTemplates": ["/a/{*}"]}),
        json!({"method": {}}),
        json!({"host": {}}),
        json!({"remoteAddress": {}}),
        json!({"principal": {}}),
        json!({"destination": {}}),
        json!({"constant": "c"}),
    ])
}

/// A limit that is right, but for what the numbers make of it.
fn limit() -> impl Strategy<Value = Value> {
    (
        prop::collection::vec(part(), 1..4),
        prop::sample::select(vec!["fallback", "shared", "skip", "deny"]),
        (any::<u32>(), any::<u32>(), 1u32..4),
        prop::sample::select(vec!["1ms", "1s", "1m", "8760h"]),
        any::<bool>(),
        0u32..101,
    )
        .prop_map(|(key, missing, (many, burst, few), per, global, percent)| {
            let requests = if many % 2 == 0 { many } else { few };
            let mut limit = json!({
                "key": key, "fallbackKey": [{"host": {}}], "onMissingKey": missing,
                "requests": requests, "per": per, "enforcedPercent": percent,
                "cost": {"header": "x-cost", "min": 0, "max": u32::MAX, "default": 1},
                "tiers": [
                    {"when": {"header": "x-a", "values": ["a"]}, "requests": few, "per": "1s"},
                    {"when": {"header": "x-a", "contains": "b"}, "unlimited": true},
                    {"when": {"sourceCIDR": "10.0.0.0/8"}, "requests": few, "per": "1s"},
                    {"when": {"claim": "sub", "values": ["*"]}, "requests": few, "per": "1s"},
                ],
            });
            if global {
                limit["global"] = json!(true);
            } else {
                limit["burst"] = json!(burst);
                limit["maxKeys"] = json!(few);
                limit["candidate"] = json!({"requests": few, "per": "1s"});
            }
            limit
        })
}

type Pairs = Vec<(String, Vec<u8>)>;

fn headers() -> impl Strategy<Value = Pairs> {
    let names = prop::sample::select(vec![
        ":path",
        ":method",
        ":authority",
        "x-a",
        "cookie",
        "x-cost",
        "content-type",
    ]);
    let values = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "[0-9]{0,22}".prop_map(String::into_bytes),
        "/[a-z?&=/#%]{0,20}".prop_map(String::into_bytes),
        "(session|a)=[a-z;= ]{0,20}".prop_map(String::into_bytes),
    ];
    prop::collection::vec((names.prop_map(str::to_owned), values), 0..8)
}

fn facts() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    let paths = prop::sample::select(vec![
        "source/address",
        "connection/uri_san_peer_certificate",
        "xds/cluster_name",
        "filter_state/wasm.mesh_filters.claims",
        "metadata",
        "plugin_name",
    ]);
    let values = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        Just(b"[::1]:8".to_vec()),
        Just(b"10.0.0.1:99999".to_vec()),
        Just(br#"{"sub":["a",{"b":null}]}"#.to_vec()),
    ];
    prop::collection::vec((paths, values), 0..4)
}

fn decide(bytes: &[u8], requests: &[Pairs], facts: &[(&str, Vec<u8>)], answer: &[u8]) {
    let loaded = match load::<RateLimit>(bytes, &FakeWorld::new()) {
        Ok(loaded) => loaded,
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in errors {
                let line = error.to_string();
                assert!(!error.problem.is_empty() && !line.contains('\n'), "{line}");
            }
            return;
        }
    };
    let world = FakeWorld::new();
    for (path, value) in facts {
        world.set_property(&path.split('/').collect::<Vec<_>>(), value.clone());
    }
    for headers in requests {
        let request = Request::new(Headers::from_pairs(headers.iter().cloned()));
        let mut memory = None;
        let mut decision = loaded.filter.on_request(&request, &world, &mut memory);
        if matches!(decision, Decision::Ask { .. }) {
            let message = answer.to_vec();
            let answer = Resume::Answered(CallResult::Grpc { status: 0, message });
            decision = loaded
                .filter
                .on_resume(answer, &request, &world, &mut memory);
        }
        match decision {
            Decision::Reply(reply) => assert!((400..600).contains(&reply.status)),
            Decision::Continue(_) => {}
            other => panic!("{other:?}"),
        }
        world.advance(Duration::from_millis(100));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_tree(tree in tree(), requests in prop::collection::vec(headers(), 0..3), facts in facts()) {
        decide(tree.to_string().as_bytes(), &requests, &facts, b"");
    }

    #[test]
    fn any_limits(
        limits in prop::collection::vec(limit(), 1..4), requests in prop::collection::vec(headers(), 0..8),
        facts in facts(), answer in prop_oneof![prop::collection::vec(any::<u8>(), 0..60), Just(b"\x08\x02".to_vec())],
        deny: bool,
    ) {
        let mode = if deny { "deny" } else { "allow" };
        let config = json!({"limits": limits, "global": {"domain": "d", "cluster": "c", "failureMode": mode}});
        decide(config.to_string().as_bytes(), &requests, &facts, &answer);
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        decide(&bytes, &[], &[], b"");
    }

    /// A good configuration with any of its bytes changed.
    #[test]
    fn a_good_configuration_spoilt(limit in limit(), at in any::<prop::sample::Index>(), byte: u8, requests in prop::collection::vec(headers(), 0..4)) {
        let mut bytes = json!({"limits": [limit], "global": {"domain": "d", "cluster": "c"}}).to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        decide(&bytes, &requests, &[], b"\x08\x01");
    }
}
