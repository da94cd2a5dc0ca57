//! Configurations and requests nobody thought of: whatever comes, it is loaded or refused, decided
//! and never fatal.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use fault_injection::FaultInjection;
use fault_injection::config::Wire;
use proptest::prelude::*;
use sdk_helpers::config::arbitrary;
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{Decision, Filter, Headers, Request, load};
use serde_json::{Value, json};

/// Leaves that are right somewhere, and leaves that are right nowhere.
fn leaf() -> impl Strategy<Value = Value> {
    arbitrary::leaf::<Wire>(&[
        "5s",
        "1ms",
        "0.5ms",
        "10us",
        "UNAVAILABLE",
        "ok",
        "MILLION",
        "2027-01-01T00:00:00Z",
        "/a",
        "/a/{*}",
        "(",
        "[a-z]+",
        "*",
        "",
        "jason",
        "a b",
        "\u{0}",
        "é",
    ])
}

/// Trees that use the filter's own field names, wherever.
fn tree() -> impl Strategy<Value = Value> {
    arbitrary::tree::<Wire>(leaf())
}

/// One entry that is right, but for what the three values make of it.
fn entry() -> impl Strategy<Value = Value> {
    (leaf(), leaf(), leaf(), tree()).prop_map(|(share, status, by, matched)| {
        json!({
            "match": [matched],
            "fault": {
                "delay": {"percentage": {"value": share}, "fixedDelay": by},
                "abort": {"percentage": {"value": share}, "httpStatus": status},
            },
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
        "x-envoy-fault-delay-request",
        "x-envoy-fault-abort-request",
        "x-envoy-fault-abort-grpc-request",
        "x-envoy-fault-abort-request-percentage",
        "x-envoy-fault-delay-request-percentage",
    ]);
    let values = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "[0-9]{0,22}".prop_map(String::into_bytes),
        "/[a-z?&=/#%]{0,20}".prop_map(String::into_bytes),
    ];
    (names.prop_map(str::to_owned), values)
}

fn decide(bytes: &[u8], headers: &[(String, Vec<u8>)], rolls: [u32; 2]) {
    match load::<FaultInjection>(bytes, &FakeWorld::new()) {
        Ok(loaded) => {
            let world = FakeWorld::new();
            world.set_rolls(rolls);
            let request = Request::new(Headers::from_pairs(headers.iter().cloned()));
            let decision = loaded.filter.on_request(&request, &world, &mut ());
            if let Decision::Reply(reply) = decision {
                assert!((200..600).contains(&reply.status));
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_tree(tree in tree(), headers in prop::collection::vec(header(), 0..8), rolls in any::<[u32; 2]>()) {
        decide(tree.to_string().as_bytes(), &headers, rolls);
    }

    #[test]
    fn any_entry(entries in prop::collection::vec(entry(), 0..4), headers in prop::collection::vec(header(), 0..8), rolls in any::<[u32; 2]>()) {
        decide(json!({"http": entries}).to_string().as_bytes(), &headers, rolls);
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        decide(&bytes, &[], [0, 0]);
    }

    /// A good configuration with any of its bytes changed.
    #[test]
    fn a_good_configuration_spoilt(at in any::<prop::sample::Index>(), byte in any::<u8>(), headers in prop::collection::vec(header(), 0..4)) {
        let good = json!({"maxActiveFaults": 5, "http": [{"name": "a", "match": [{"uri": {"prefix": "/"}, "headers": {"x-a": {"regex": "[a-z]+"}}}],
            "fault": {"delay": {"percentage": {"value": 10.5}, "fixedDelay": "5s"}, "abort": {"percentage": {"numerator": 1, "denominator": "MILLION"}, "grpcStatus": "UNAVAILABLE"}},
            "expires": "2027-01-01T00:00:00Z", "shadow": true}]});
        let mut bytes = good.to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        decide(&bytes, &headers, [0, 0]);
    }
}
