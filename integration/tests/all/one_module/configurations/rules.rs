//! Whose tokens are taken, from where, and what becomes of them.

use fastrand::Rng;
use serde_json::{Value, json};

use super::Kind;
use crate::one_module::pick::{once_in, one};
use crate::one_module::tokens::{A, B, ISSUER, keys_of};

/// Header and claim, of those that other filters look at.
const OUTPUTS: [(&str, &str); 4] = [
    ("x-sub", "sub"),
    ("x-plan", "plan"),
    ("x-groups", "groups"),
    ("x-none", "no.such"),
];

pub(super) fn configuration(dice: &mut Rng, kind: Kind) -> Value {
    let mut issuers = vec![A];
    // Envoy judges several tokens at once in another order, which is in another test.
    if kind == Kind::Any && dice.bool() {
        issuers.push(B);
    }
    let rules: Vec<Value> = issuers
        .into_iter()
        .map(|issuer| rule(dice, issuer))
        .collect();
    let mut config = json!({"jwtRules": rules});
    if kind == Kind::Any {
        if once_in(dice, 5) {
            config["requireToken"] = json!(true);
        }
        if once_in(dice, 8) {
            config["shadow"] = json!(true);
        }
        if once_in(dice, 5) {
            config["errorBody"] = json!({});
        }
    }
    config
}

fn rule(dice: &mut Rng, issuer: &str) -> Value {
    let mut rule = json!({"issuer": issuer});
    if issuer == B && dice.bool() {
        // Fetched, so that requests wait for them.
        rule["jwksUri"] = json!("http://issuer.example/jwks.json");
        rule["jwksCluster"] = json!(ISSUER);
    } else {
        rule["jwks"] = json!(keys_of(issuer));
    }
    if dice.bool() {
        rule["audiences"] = json!(["api"]);
    }
    if dice.bool() {
        rule["forwardOriginalToken"] = json!(true);
    }
    if once_in(dice, 3) {
        let own = json!([{"name": "x-jwt"}]);
        let both = json!([{"name": "x-jwt"}, {"name": "authorization", "prefix": "Bearer "}]);
        rule["fromHeaders"] = one(dice, &[own, both]).clone();
        rule["fromParams"] = json!(["token"]);
    }
    if once_in(dice, 3) {
        rule["outputPayloadToHeader"] = json!("x-payload");
    }
    if !once_in(dice, 3) {
        let output = |(header, claim): (&str, &str)| json!({"header": header, "claim": claim});
        rule["outputClaimToHeaders"] = OUTPUTS.map(output).to_vec().into();
    }
    rule
}
