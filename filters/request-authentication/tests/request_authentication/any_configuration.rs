//! Configurations and requests nobody thought of: whatever comes, it is loaded or refused, decided
//! and never fatal.

use crate::mint;
use proptest::prelude::*;
use request_authentication::RequestAuthentication;
use request_authentication::config::Wire;
use sdk_helpers::config::arbitrary;
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{BackgroundEvent, CallResult, Decision, Filter, Headers, Request, Resume, load};
use serde_json::{Value, json};

/// Leaves that are right somewhere, and leaves that are right nowhere.
fn leaf() -> impl Strategy<Value = Value> {
    let keys = Just(mint::jwks(&["ed25519"])).prop_map(Value::from);
    prop_oneof![6 => arbitrary::leaf::<Wire>(&[
            "5s",
            "1ms",
            "issuer",
            "https://issuer.example",
            "http://a:1/b?c",
            "[a.b][c]",
            "a.b",
            "x-a",
            "Bearer ",
            "{\"keys\":[]}",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            ""
        ]), 1 => keys]
}

fn tree() -> impl Strategy<Value = Value> {
    arbitrary::tree::<Wire>(leaf())
}

/// Rules that are right, but for what is added.
fn nearly() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(arbitrary::names::<Wire>());
    prop::collection::btree_map(names, leaf_or_list(), 0..4).prop_map(|changes| {
        let mut rule = json!({"issuer": "issuer", "jwks": mint::jwks(&["ed25519"])});
        let mut config = json!({});
        for (name, value) in changes {
            let top = [
                "requireToken",
                "shadow",
                "errorBody",
                "maxTokenSize",
                "tokenCacheSize",
            ]
            .contains(&name.as_str());
            if top {
                config[&name] = value;
            } else {
                rule[&name] = value;
            }
        }
        config["jwtRules"] = json!([rule]);
        config
    })
}

fn leaf_or_list() -> impl Strategy<Value = Value> {
    prop_oneof![
        leaf(),
        prop::collection::vec(leaf(), 0..3).prop_map(Value::from)
    ]
}

fn values() -> impl Strategy<Value = Vec<u8>> {
    let good = mint::token(
        "ed25519",
        "EdDSA",
        &json!({"iss": "issuer", "a": {"b": [1]}}),
    );
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        Just(format!("Bearer {good}").into_bytes()),
        Just(good.clone().into_bytes()),
        (0usize..good.len(), any::<u8>()).prop_map(move |(at, byte)| {
            let mut token = good.clone().into_bytes();
            token[at] = byte;
            [b"Bearer ", token.as_slice()].concat()
        }),
    ]
}

/// Bodies an issuer may answer with: keys, certificates, broken ones, and anything.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let keys = mint::jwks(&["ed25519", "rsa"]).into_bytes();
    let certificates = mint::certificates(&["p256", "rsa", "rsa-next"]);
    let der: Vec<_> = certificates.as_object().unwrap().values().collect();
    let der = der[0].as_str().unwrap().replace(['\n', '-'], "");
    let certified = json!({"keys": [{"kty": "EC", "kid": "\n", "x5c": [der]}]});
    let whole = [
        keys,
        certificates.to_string().into_bytes(),
        certified.to_string().into_bytes(),
        br#"{"keys":[]}"#.to_vec(),
    ];
    let good = prop::sample::select(whole.to_vec());
    let index = any::<prop::sample::Index>;
    prop_oneof![
        good.clone(),
        (good.clone(), index(), any::<u8>()).prop_map(|(mut body, at, byte)| {
            let at = at.index(body.len());
            body[at] = byte;
            body
        }),
        (good, index()).prop_map(|(body, end)| body[..end.index(body.len())].to_vec()),
        tree().prop_map(|keys| json!({"keys": [keys]}).to_string().into_bytes()),
        tree().prop_map(|tree| tree.to_string().into_bytes()),
        values(),
    ]
}

proptest! {
    /// Whatever an issuer answers, what is said of it is a line, and a token that its keys verify or
    /// none is what it decides.
    #[test]
    fn any_answer_is_taken(
        answers in prop::collection::vec((prop::sample::select(vec!["200", "404", "503", "\n"]), bodies()), 1..4),
    ) {
        let rule = json!({"issuer": "issuer", "jwksUri": "https://a.example/?k=s3cret"});
        let config = json!({"jwtRules": [rule]}).to_string();
        let filter = load::<RequestAuthentication>(config.as_bytes(), &FakeWorld::new()).unwrap().filter;
        let world = FakeWorld::new();
        world.set_now(sdk_helpers::Timestamp::from_secs(1_800_000_000));
        let bearer = format!("Bearer {}", mint::token("ed25519", "EdDSA", &json!({"iss": "issuer"})));
        for (status, body) in answers {
            world.advance(std::time::Duration::from_secs(300));
            for (tag, _) in filter.background(BackgroundEvent::TimerFired, &world).calls {
                let headers = Headers::from_pairs([(":status", status)]);
                let answer = CallResult::Http { headers, body: body.clone() };
                let actions = filter.background(BackgroundEvent::Answered(tag, answer), &world);
                for (_, line) in actions.warnings {
                    prop_assert!(!line.contains(char::is_control), "{line:?}");
                    prop_assert!(line.len() < 2_500 && !line.contains("s3cret"), "{line:?}");
                }
            }
            let request = Request::new(Headers::from_pairs([
                (":method", "GET"),
                (":path", "/"),
                ("authorization", bearer.as_str()),
            ]));
            let _ = filter.on_request(&request, &world, &mut None);
        }
    }

    #[test]
    fn any_tree_is_loaded_or_refused(tree in tree()) {
        if let Err(errors) = load::<RequestAuthentication>(tree.to_string().as_bytes(), &FakeWorld::new()) {
            prop_assert!(!errors.is_empty());
            for error in errors {
                let line = error.to_string();
                prop_assert!(!line.contains('\n') && !line.is_empty());
            }
        }
    }

    #[test]
    fn what_is_loaded_decides(
        config in nearly(),
        authorization in values(),
        cookie in values(),
        path in values(),
        method in prop::sample::select(vec!["GET", "OPTIONS", ""]),
        answer in values(),
    ) {
        let Ok(loaded) = load::<RequestAuthentication>(config.to_string().as_bytes(), &FakeWorld::new()) else {
            return Ok(());
        };
        let (filter, world) = (loaded.filter, FakeWorld::new());
        let path = [b"/?access_token=".as_slice(), &path].concat();
        let request = Request::new(Headers::from_pairs([
            (":method".as_bytes(), method.as_bytes()),
            (b":path", &path),
            (b"authorization", &authorization),
            (b"cookie", &cookie),
            (b"x-a", &authorization),
            (b"origin", b"o"),
            (b"access-control-request-method", b"PUT"),
        ]));
        let _ = filter.background(BackgroundEvent::Loaded, &world);
        let mut memory = None;
        let mut decision = filter.on_request(&request, &world, &mut memory);
        for (tag, _) in filter.background(BackgroundEvent::TimerFired, &world).calls {
            let answer = CallResult::Http {
                headers: Headers::from_pairs([(":status", "200")]),
                body: answer.clone(),
            };
            let _ = filter.background(BackgroundEvent::Answered(tag, answer), &world);
        }
        if matches!(decision, Decision::Wait { .. }) {
            decision = filter.on_resume(Resume::TimedOut, &request, &world, &mut memory);
        }
        match decision {
            Decision::Continue(edits) => {
                prop_assert_eq!(edits.record.notes.is_empty(), false);
            }
            Decision::Reply(reply) => prop_assert!(reply.status == 401 || reply.status == 403),
            other => prop_assert!(false, "{other:?}"),
        }
    }
}
