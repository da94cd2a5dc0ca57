//! Keys from the network, as one request after another meets them: the filter, its work in the background, and an
//! issuer played by hand. The tests of `remote_jwks` have many VMs and a clock that runs.

use std::time::Duration;

use crate::mint;
use crate::rig;
use crate::rig::{Rig, Seen};
use sdk_helpers::{
    BackgroundActions, BackgroundEvent, Call, CallResult, Decision, Filter, GaugeId, Headers,
    Request, Resume,
};
use serde_json::{Value, json};

fn rule(changes: &Value) -> Value {
    let mut rule =
        json!({"name": "r", "issuer": "issuer", "jwksUri": "https://issuer.example/jwks?v=1"});
    for (name, value) in changes.as_object().unwrap() {
        rule[name] = value.clone();
    }
    rule
}

fn rig(changes: &Value) -> Rig {
    Rig::new(&json!({"jwtRules": [rule(changes)]}))
}

fn token(key: &str, alg: &str) -> String {
    mint::token(key, alg, &json!({"iss": "issuer"}))
}

fn says(keys: &[&str]) -> CallResult {
    CallResult::Http {
        headers: Headers::from_pairs([(":status", "200")]),
        body: mint::jwks(keys).into_bytes(),
    }
}

/// A stream that can be held.
struct Held {
    request: Request,
    memory: Option<sdk_helpers::Timestamp>,
}

impl Held {
    fn new(token: &str) -> Self {
        let value = format!("Bearer {token}");
        Held {
            request: rig::request(&[("authorization", &value)]),
            memory: None,
        }
    }

    fn begins(&mut self, rig: &Rig) -> (Seen, Duration) {
        let decision = rig
            .filter
            .on_request(&self.request, &rig.world, &mut self.memory);
        Self::held(rig, decision)
    }

    fn goes_on(&mut self, rig: &Rig, why: Resume) -> (Seen, Duration) {
        let decision = rig
            .filter
            .on_resume(why, &self.request, &rig.world, &mut self.memory);
        Self::held(rig, decision)
    }

    fn held(rig: &Rig, decision: Decision) -> (Seen, Duration) {
        let at_most = match &decision {
            Decision::Wait { at_most, .. } => *at_most,
            _ => Duration::ZERO,
        };
        (rig.seen(decision), at_most)
    }
}

fn background(rig: &Rig, event: BackgroundEvent) -> BackgroundActions {
    rig.filter.background(event, &rig.world)
}

/// The one call among the actions: its tag, cluster and path.
fn call(actions: &BackgroundActions) -> (u32, String, String) {
    match actions.calls.as_slice() {
        [
            (
                tag,
                Call::Http {
                    cluster, headers, ..
                },
            ),
        ] => {
            let path = headers.iter().find(|(name, _)| name == ":path").unwrap();
            let path = String::from_utf8(path.1.clone()).unwrap();
            (*tag, cluster.clone(), path)
        }
        other => panic!("{other:?}"),
    }
}

fn reasons(rig: &Rig, actions: &BackgroundActions) -> Vec<String> {
    let of = |outcome| rig.filter.outcomes().find(outcome).unwrap().to_string();
    for (outcome, _) in &actions.warnings {
        assert!(actions.outcomes.contains(outcome));
    }
    actions.outcomes.iter().copied().map(of).collect()
}

/// What gauges are set to, by their names and the rules they are of.
fn gauges_of(rig: &Rig, actions: &BackgroundActions) -> Vec<String> {
    let of = |(id, value): &(GaugeId, u64)| {
        let gauge = rig.filter.gauges().find(*id).unwrap();
        format!("{}:{} {value}", gauge.name, gauge.policy)
    };
    actions.gauges.iter().map(of).collect()
}

#[test]
fn nothing_is_fetched_for_keys_of_the_configuration() {
    let rig = Rig::new(&json!({"jwtRules": [rig::rule(&["ed25519"])]}));
    assert_eq!(
        background(&rig, BackgroundEvent::Loaded),
        BackgroundActions::default()
    );
    assert_eq!(rig.filter.gauges().iter().count(), 0);
}

#[test]
fn a_request_waits_for_the_first_keys() {
    let rig = rig(&json!({}));
    // Envoy loads a configuration on trial first: what that one begins is lost, so it begins nothing.
    let actions = background(&rig, BackgroundEvent::Loaded);
    assert!(actions.calls.is_empty() && actions.timer == Some(Duration::from_millis(1)));
    let mut held = Held::new(&token("ed25519", "EdDSA"));
    let (seen, at_most) = held.begins(&rig);
    assert!(seen.waits && at_most == Duration::from_secs(5));
    let actions = background(&rig, BackgroundEvent::TimerFired);
    let (tag, cluster, path) = call(&actions);
    assert_eq!(
        (cluster.as_str(), path.as_str()),
        ("outbound|443||issuer.example", "/jwks?v=1")
    );
    let actions = background(&rig, BackgroundEvent::Answered(tag, says(&["ed25519"])));
    assert!(actions.wake);
    assert_eq!(reasons(&rig, &actions), ["jwks_fetched:r"]);
    let gauges = gauges_of(&rig, &actions);
    let expected = ["jwks_age_seconds:r 0", "jwks_failures:r 0", "jwks_keys:r 1"];
    assert_eq!(gauges, expected);
    assert_eq!(held.goes_on(&rig, Resume::Woken).0.reason, "verified:r");
    rig.world.advance(Duration::from_secs(7));
    let actions = background(&rig, BackgroundEvent::TimerFired);
    let expected = ["jwks_age_seconds:r 7", "jwks_failures:r 0", "jwks_keys:r 1"];
    assert_eq!(gauges_of(&rig, &actions), expected);
}

#[test]
fn a_request_waits_no_longer_than_its_timeout() {
    let rig = rig(&json!({"timeout": "300ms", "jwksCluster": "keys"}));
    let mut held = Held::new(&token("ed25519", "EdDSA"));
    assert_eq!(held.begins(&rig).1, Duration::from_millis(300));
    let (tag, cluster, _) = call(&background(&rig, BackgroundEvent::TimerFired));
    assert_eq!(cluster, "keys");
    rig.world.advance(Duration::from_millis(100));
    let actions = background(&rig, BackgroundEvent::Answered(tag, CallResult::Failed));
    assert!(actions.wake);
    assert_eq!(reasons(&rig, &actions), ["jwks_unreachable:r"]);
    // What is left of it goes to waiting for the next try.
    let (seen, at_most) = held.goes_on(&rig, Resume::Woken);
    assert!(
        !seen.waits || at_most == Duration::from_millis(200),
        "{seen:?} {at_most:?}"
    );
    rig.world.advance(Duration::from_millis(200));
    let (seen, _) = held.goes_on(&rig, Resume::TimedOut);
    assert_eq!(seen.reason, "jwks_unavailable:r");
    assert_eq!(
        (seen.status, seen.body.as_str()),
        (401, "Jwks remote fetch is failed")
    );
}

#[test]
fn an_unknown_kid_is_asked_about_once() {
    let rig = rig(&json!({}));
    let (tag, ..) = call(&background(&rig, BackgroundEvent::TimerFired));
    let _ = background(&rig, BackgroundEvent::Answered(tag, says(&["ed25519"])));
    assert_eq!(rig.bearer(&token("ed25519", "EdDSA")).reason, "verified:r");
    let mut held = Held::new(&token("p256", "ES256"));
    assert!(held.begins(&rig).0.waits);
    let (tag, ..) = call(&background(&rig, BackgroundEvent::TimerFired));
    // While it is asked nobody else asks, and who knows its key is not held up.
    assert!(
        background(&rig, BackgroundEvent::TimerFired)
            .calls
            .is_empty()
    );
    assert_eq!(rig.bearer(&token("ed25519", "EdDSA")).reason, "verified:r");
    let _ = background(&rig, BackgroundEvent::Answered(tag, says(&["ed25519"])));
    assert_eq!(held.goes_on(&rig, Resume::Woken).0.reason, "unknown_kid:r");
    assert_eq!(rig.bearer(&token("p256", "ES256")).reason, "unknown_kid:r");
    assert!(
        background(&rig, BackgroundEvent::TimerFired)
            .calls
            .is_empty()
    );
}

/// A token that was good under a key is no longer when the key is gone, known or not.
#[test]
fn a_withdrawn_key_takes_its_tokens_with_it() {
    let rig = rig(&json!({}));
    let (tag, ..) = call(&background(&rig, BackgroundEvent::TimerFired));
    let _ = background(
        &rig,
        BackgroundEvent::Answered(tag, says(&["ed25519", "p256"])),
    );
    let (old, new) = (token("ed25519", "EdDSA"), token("p256", "ES256"));
    assert_eq!(rig.bearer(&old).reason, "verified:r");
    assert_eq!(rig.bearer(&new).reason, "verified:r");
    rig.world.advance(Duration::from_secs(300));
    let (tag, ..) = call(&background(&rig, BackgroundEvent::TimerFired));
    let _ = background(&rig, BackgroundEvent::Answered(tag, says(&["p256"])));
    // It could be a key to come: asked once more, and refused.
    let mut held = Held::new(&old);
    assert!(held.begins(&rig).0.waits);
    let (tag, ..) = call(&background(&rig, BackgroundEvent::TimerFired));
    let _ = background(&rig, BackgroundEvent::Answered(tag, says(&["p256"])));
    assert_eq!(held.goes_on(&rig, Resume::Woken).0.reason, "unknown_kid:r");
    assert_eq!(rig.bearer(&new).reason, "verified:r");
}

/// All of them: every token is refused at once, known or not, and a set with keys ends it.
#[test]
fn withdrawn_keys_take_all_tokens_with_them() {
    let rig = rig(&json!({}));
    let fetch = |answer| {
        let (tag, ..) = call(&background(&rig, BackgroundEvent::TimerFired));
        background(&rig, BackgroundEvent::Answered(tag, answer))
    };
    let _ = fetch(says(&["ed25519", "p256"]));
    let text = token("ed25519", "EdDSA");
    assert_eq!(rig.bearer(&text).reason, "verified:r");
    rig.world.advance(Duration::from_secs(300));
    let actions = fetch(says(&[]));
    assert_eq!(reasons(&rig, &actions), ["jwks_empty:r"]);
    let [(_, line)] = actions.warnings.as_slice() else {
        panic!("{:?}", actions.warnings);
    };
    assert_eq!(
        line,
        "https://issuer.example/jwks through cluster `outbound|443||issuer.example`: a key set that \
         has no keys; tokens are refused until it has one"
    );
    let expected = [
        "jwks_age_seconds:r 300",
        "jwks_failures:r 0",
        "jwks_keys:r 0",
    ];
    assert_eq!(gauges_of(&rig, &actions), expected);
    for text in [&text, &token("p256", "ES256"), &token("p384", "ES384")] {
        let seen = rig.bearer(text);
        assert_eq!(seen.reason, "jwks_withdrawn:r");
        assert_eq!(
            (seen.status, seen.body.as_str()),
            (401, "Jwks remote fetch is failed")
        );
    }
    rig.world.advance(Duration::from_secs(10));
    let _ = fetch(says(&["ed25519"]));
    assert_eq!(rig.bearer(&text).reason, "verified:r");
}

/// It is the issuer who takes a key back, and not the date in its certificate; but it is told.
#[test]
fn a_key_whose_certificate_has_expired_counts_and_is_told() {
    let certificates = mint::certificates(&["rsa", "rsa-next"]);
    let text = token("rsa-next", "RS256");
    let rig = rig(&json!({}));
    let (tag, ..) = call(&background(&rig, BackgroundEvent::TimerFired));
    let answer = CallResult::Http {
        headers: Headers::from_pairs([(":status", "200")]),
        body: certificates.to_string().into_bytes(),
    };
    let actions = background(&rig, BackgroundEvent::Answered(tag, answer));
    assert_eq!(reasons(&rig, &actions), ["jwks_fetched:r"]);
    let [(_, line)] = actions.warnings.as_slice() else {
        panic!("{:?}", actions.warnings);
    };
    assert_eq!(
        line,
        "https://issuer.example/jwks through cluster `outbound|443||issuer.example`: rsa-next: the \
         certificate has expired; its key counts on"
    );
    assert_eq!(rig.bearer(&text).reason, "verified:r");

    let inline = |keys: Value| {
        let rig = Rig::new(&json!({"jwtRules": [{"name": "r", "issuer": "issuer", "jwks": keys}]}));
        assert_eq!(rig.bearer(&text).reason, "verified:r");
        rig.warnings
    };
    let told = "the certificate has expired; its key counts on";
    assert_eq!(
        inline(certificates.clone()),
        [format!("jwtRules[0].jwks.rsa-next: {told}")]
    );
    let pem = certificates["rsa-next"].as_str().unwrap();
    let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    assert_eq!(
        inline(json!({"keys": [{"kty": "RSA", "kid": "rsa-next", "x5c": [der]}]})),
        [format!("jwtRules[0].jwks.keys[0]: {told}")]
    );
}

#[test]
fn known_tokens_end_with_keys_that_nobody_could_fetch_again() {
    let rig = rig(&json!({"cacheDuration": "1s", "maxStale": "10s"}));
    let (tag, ..) = call(&background(&rig, BackgroundEvent::TimerFired));
    let _ = background(&rig, BackgroundEvent::Answered(tag, says(&["ed25519"])));
    let text = token("ed25519", "EdDSA");
    rig.world.advance(Duration::from_secs(10));
    assert_eq!(rig.bearer(&text).reason, "verified:r");
    let (tag, ..) = call(&background(&rig, BackgroundEvent::TimerFired));
    let _ = background(&rig, BackgroundEvent::Answered(tag, CallResult::Failed));
    rig.world.advance(Duration::from_nanos(1));
    let mut held = Held::new(&text);
    let _ = held.begins(&rig);
    assert_eq!(
        held.goes_on(&rig, Resume::TimedOut).0.reason,
        "jwks_unavailable:r"
    );
}

#[test]
fn rules_of_one_key_set_share_its_fetch() {
    let rig = Rig::new(&json!({"jwtRules": [
        rule(&json!({"name": "a", "issuer": "a"})),
        rule(&json!({"name": "b", "issuer": "b"})),
        rule(&json!({"name": "c", "issuer": "c", "jwksUri": "https://other.example/jwks"})),
    ]}));
    assert_eq!(background(&rig, BackgroundEvent::TimerFired).calls.len(), 2);
    assert_eq!(rig.filter.gauges().iter().count(), 6);
}

#[test]
fn an_answer_nobody_asked_for_changes_nothing() {
    let rig = rig(&json!({}));
    for tag in [0, 7, u32::MAX] {
        let actions = background(&rig, BackgroundEvent::Answered(tag, says(&["ed25519"])));
        assert!(actions.calls.is_empty() && reasons(&rig, &actions).is_empty());
    }
    assert!(Held::new(&token("ed25519", "EdDSA")).begins(&rig).0.waits);
}
