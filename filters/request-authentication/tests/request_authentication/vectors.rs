//! Tokens that others have published, and what has to become of each: `vectors/published.json`.
//!
//! A vector has a key set, an issuer, a time, a token, and Envoy's message where the filter refuses
//! it. `signature` says whether its signature is good, whatever else is the matter with it: some of
//! the RFCs' examples sign a text that is no JSON, and their signatures are looked at alone.

use crate::rig::Rig;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use request_authentication::algorithm::Algorithm;
use request_authentication::keys::KeySet;
use request_authentication::keys::set::Trial;
use request_authentication::keys::verify::verify;
use sdk_helpers::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    source: String,
    issuer: String,
    /// Seconds since 1970.
    now: u64,
    jwks: Value,
    token: String,
    signature: bool,
    message: Option<String>,
}

fn all() -> Vec<Vector> {
    serde_json::from_str(include_str!("../vectors/published.json")).unwrap()
}

/// A filter that knows one key set, and verifies in Rust because its world has no host.
fn rig(issuer: &str, jwks: &Value) -> Rig {
    Rig::new(&json!({"jwtRules": [
        {"name": "r", "issuer": issuer, "jwks": jwks.to_string()},
    ]}))
}

#[test]
fn published_tokens_come_to_what_they_should() {
    for vector in all() {
        let rig = rig(&vector.issuer, &vector.jwks);
        rig.world
            .set_now(Timestamp::from_nanos(vector.now * 1_000_000_000));
        let seen = rig.bearer(&vector.token);
        let what = format!("{} ({})", vector.name, vector.source);
        match vector.message {
            None => assert_eq!(seen.reason, "verified:r", "{what}"),
            Some(message) => assert_eq!((seen.status, seen.body), (401, message), "{what}"),
        }
    }
}

#[test]
fn published_signatures_are_good() {
    let mut good = 0;
    for vector in all() {
        let parts: Vec<&str> = vector.token.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            continue;
        };
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
        let header: Value = serde_json::from_slice(&decoded(header)).unwrap();
        let alg = header["alg"].as_str().unwrap();
        let Some(algorithm) = Algorithm::named(alg) else {
            continue;
        };
        let text = format!("{}.{payload}", parts[0]);
        let signature = decoded(signature);
        let set = KeySet::read(vector.jwks.to_string().as_bytes())
            .unwrap()
            .set;
        let trial = set.try_keys(header["kid"].as_str(), alg, algorithm, |key| {
            verify(&key.key, algorithm, text.as_bytes(), &signature, &|_, _| {
                None
            })
        });
        assert_eq!(
            trial == Trial::Verified,
            vector.signature,
            "{}",
            vector.name
        );
        good += usize::from(vector.signature);
    }
    assert!(good >= 12, "{good}");
}

/// What `integration` forges, by keys it makes from their names: see its `jwt::signatures`.
#[test]
fn forged_signatures_are_refused() {
    let forged: Vec<Value> = serde_json::from_str(include_str!("../vectors/forged.json")).unwrap();
    assert_eq!(forged.len(), 13);
    for group in forged {
        let rig = rig("issuer", &json!({"keys": [group["jwk"]]}));
        let message = group["message"].as_str().unwrap();
        for signature in group["signatures"].as_array().unwrap() {
            let token = format!("{message}.{}", signature["bytes"].as_str().unwrap());
            let what = format!("{}: {}", group["jwk"]["alg"], signature["name"]);
            let seen = rig.bearer(&token);
            match signature["good"].as_bool().unwrap() {
                true => assert_eq!(seen.reason, "verified:r", "{what}"),
                false => assert_eq!(seen.status, 401, "{what}"),
            }
        }
        for token in group["tokens"].as_array().unwrap() {
            let seen = rig.bearer(token["token"].as_str().unwrap());
            assert_eq!(
                seen.status, 401,
                "{}: {}",
                group["jwk"]["alg"], token["name"]
            );
        }
    }
}
