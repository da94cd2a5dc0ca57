//! Who may what: policies about what a request is, about what a token says, and about headers that a
//! service or a token put in.

use fastrand::Rng;
use serde_json::{Value, json};

use super::Kind;
use crate::one_module::pick::{once_in, one, some};
use crate::one_module::service;

pub(super) fn configuration(dice: &mut Rng, kind: Kind) -> Value {
    let mut policies = Vec::new();
    for n in 0..dice.usize(..5) {
        policies.push(policy(dice, n));
    }
    let mut config = json!({});
    if once_in(dice, 3) {
        config["extensionProviders"] = json!([service::provider()]);
        // Envoy's filter asks about every request; istiod puts RBAC's shadow rules before it.
        let always = kind == Kind::Native || dice.bool();
        let rules = if always {
            json!([{}])
        } else {
            json!([before_tokens(dice)])
        };
        policies.push(json!({
            "name": "ask", "namespace": "ns", "action": "CUSTOM",
            "provider": {"name": "authz"}, "rules": rules,
        }));
    }
    if policies.is_empty() {
        config["allowAll"] = json!(true);
    }
    config["policies"] = policies.into();
    config
}

fn policy(dice: &mut Rng, n: usize) -> Value {
    let action = *one(dice, &["DENY", "DENY", "ALLOW", "AUDIT"]);
    // What allows has several ways to do so, or nothing would be left for later filters.
    let count = if action == "ALLOW" { 4 } else { 1 };
    let mut rules: Vec<Value> = (0..count).map(|_| rule(dice)).collect();
    if action == "ALLOW" && dice.bool() {
        rules.push(json!({"to": [{"operation": {"notPaths": ["/admin*"]}}]}));
    }
    let mut policy = json!({
        "name": format!("p{n}"), "namespace": "ns", "action": action, "rules": rules,
    });
    if action != "AUDIT" && once_in(dice, 4) {
        policy["dryRun"] = json!(true);
    }
    policy
}

/// A rule about nothing that only a token says, as those of CUSTOM have to be.
fn before_tokens(dice: &mut Rng) -> Value {
    let some = json!({"to": [{"operation": operation(dice)}]});
    one(
        dice,
        &[
            some,
            json!({"when": [{"key": "request.headers[x-key]", "values": ["one"]}]}),
            json!({"when": [{"key": "request.headers[authorization]", "notValues": ["*"]}]}),
            json!({"from": [{"source": {"remoteIpBlocks": ["127.0.0.0/8"]}}]}),
        ],
    )
    .clone()
}

fn rule(dice: &mut Rng) -> Value {
    let mut rule = json!({});
    if once_in(dice, 3) {
        rule["from"] = json!([{"source": source(dice)}]);
    }
    if dice.bool() {
        rule["to"] = json!([{"operation": operation(dice)}]);
    }
    let none = rule.as_object().is_some_and(serde_json::Map::is_empty);
    if none || dice.bool() {
        let count = 1 + dice.usize(..2);
        rule["when"] = some(dice, &conditions(), count).into();
    }
    rule
}

fn source(dice: &mut Rng) -> Value {
    one(
        dice,
        &[
            json!({"requestPrincipals": ["*"]}),
            json!({"requestPrincipals": ["a@example/jason", "b@example/*"]}),
            json!({"notRequestPrincipals": ["*"]}),
            json!({"remoteIpBlocks": ["127.0.0.0/8"]}),
            json!({"remoteIpBlocks": ["10.0.0.0/8"], "notRequestPrincipals": ["*/ann"]}),
        ],
    )
    .clone()
}

fn operation(dice: &mut Rng) -> Value {
    one(
        dice,
        &[
            json!({"paths": ["/admin*"]}),
            json!({"paths": ["/a", "/a/*"], "methods": ["GET"]}),
            json!({"paths": ["*.png"]}),
            json!({"paths": ["/orders/{*}/items"]}),
            json!({"methods": ["DELETE", "PUT"]}),
            json!({"notMethods": ["GET", "POST"]}),
            json!({"hosts": ["other.example"]}),
            json!({"notPaths": ["/a*"], "hosts": ["app.example"]}),
        ],
    )
    .clone()
}

fn conditions() -> Vec<Value> {
    let holds = |key: &str, values: &[&str]| json!({"key": key, "values": values});
    vec![
        // What tokens, or a service, put into the request.
        holds("request.headers[x-sub]", &["jason"]),
        holds("request.headers[x-plan]", &["gold", "s*"]),
        holds("request.headers[x-custom]", &["edited", "forged"]),
        holds("request.headers[x-custom]", &["*"]),
        holds("request.headers[x-payload]", &["*"]),
        // What a good token's filter takes out.
        holds("request.headers[authorization]", &["*"]),
        json!({"key": "request.headers[authorization]", "notValues": ["*"]}),
        holds("request.headers[x-jwt]", &["*"]),
        holds("request.auth.claims[plan]", &["gold"]),
        holds("request.auth.claims[groups]", &["a"]),
        holds("request.auth.claims[scope]", &["write"]),
        json!({"key": "request.auth.claims[sub]", "notValues": ["jason"]}),
        holds("request.auth.principal", &["a@example/*"]),
        holds("request.auth.audiences", &["api"]),
        holds("request.headers[x-key]", &["one"]),
    ]
}
