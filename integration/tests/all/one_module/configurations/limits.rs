//! How many requests of whom: few, over so long a time that none comes back while a test runs.

use fastrand::Rng;
use serde_json::{Value, json};

use super::Kind;
use crate::one_module::limiter;
use crate::one_module::pick::{once_in, one};

pub(super) fn configuration(dice: &mut Rng, number: usize, kind: Kind) -> Value {
    if kind == Kind::Native {
        let mut limit = bucket(dice, number, 0);
        limit["rateLimitHeaders"] = json!(false);
        return json!({"limits": [limit]});
    }
    let count = 1 + dice.usize(..3);
    let limits: Vec<Value> = (0..count).map(|n| limit(dice, number, n)).collect();
    let mut config = json!({"limits": limits});
    if once_in(dice, 4) {
        let limits = config["limits"].as_array_mut().unwrap();
        limits.push(limiter::limit(&format!("c{number}-global")));
        config["global"] = limiter::global();
    }
    config
}

fn bucket(dice: &mut Rng, number: usize, n: usize) -> Value {
    let requests = 5 + dice.usize(..20);
    let mut bucket = json!({"name": format!("c{number}-{n}"), "requests": requests, "per": "1h"});
    if once_in(dice, 3) {
        bucket["burst"] = json!(4 + dice.usize(..10));
    }
    bucket
}

fn limit(dice: &mut Rng, number: usize, n: usize) -> Value {
    let mut limit = bucket(dice, number, n);
    if !once_in(dice, 4) {
        limit["key"] = json!([part(dice)]);
        if once_in(dice, 4) {
            limit["key"] = json!([part(dice), {"method": {}}]);
        }
        let missing = *one(dice, &["fallback", "shared", "skip", "deny"]);
        limit["onMissingKey"] = json!(missing);
        if missing == "fallback" {
            limit["fallbackKey"] = json!([{"remoteAddress": {}}]);
        }
    }
    let told = *one(dice, &["none", "refusals"]);
    let family = *one(dice, &["x-ratelimit", "ratelimit"]);
    let maybe: [(usize, &str, Value); 10] = [
        (3, "match", matches(dice)),
        (4, "tiers", tiers(dice)),
        (5, "candidate", json!({"requests": 2, "per": "1h"})),
        (6, "shadow", json!(true)),
        (5, "cost", json!({"header": "x-cost", "max": 3})),
        (6, "status", json!(503)),
        (6, "body", json!("too much")),
        (
            6,
            "headers",
            json!({"x-limited": "yes", "retry-after": "5"}),
        ),
        (4, "rateLimitHeaders", json!(told)),
        (4, "rateLimitHeaderFamilies", json!([family])),
    ];
    for (times, field, value) in maybe {
        if once_in(dice, times) {
            limit[field] = value;
        }
    }
    limit
}

fn part(dice: &mut Rng) -> Value {
    one(
        dice,
        &[
            json!({"header": "x-sub"}),
            json!({"header": "x-plan"}),
            json!({"header": "x-custom"}),
            json!({"header": "authorization"}),
            json!({"header": "x-key"}),
            json!({"claim": "sub"}),
            json!({"claim": "plan"}),
            json!({"remoteAddress": {}}),
            json!({"cookie": "session"}),
            json!({"path": {}}),
            json!({"query": "token"}),
        ],
    )
    .clone()
}

fn matches(dice: &mut Rng) -> Value {
    one(
        dice,
        &[
            json!([{"uri": {"prefix": "/a"}}]),
            json!([{"headers": {"x-sub": {"exact": "jason"}}}, {"method": {"exact": "POST"}}]),
            json!([{"withoutHeaders": {"authorization": {}}}]),
            json!([{"claims": {"plan": {"exact": "gold"}}}]),
            json!([{"withoutClaims": {"sub": {}}}]),
            json!([{"headers": {"x-custom": {}}}]),
        ],
    )
    .clone()
}

fn tiers(dice: &mut Rng) -> Value {
    one(
        dice,
        &[
            json!([{"when": {"claim": "plan", "values": ["gold"]}, "requests": 20, "per": "1h"}]),
            json!([{"when": {"header": "x-plan", "values": ["gold"]}, "unlimited": true}]),
            json!([{"when": {"header": "x-custom", "prefix": "e"}, "requests": 1, "per": "1h"}]),
        ],
    )
    .clone()
}
