//! What goes into filter state is chosen; what filters of one module hand to each other is not.

use integration::client::Client;
use integration::envoy::Envoy;
use integration::listener::{Listener, bootstrap};
use integration::service::wait::until;
use serde_json::{Value, json};

use crate::one_module::SOON;
use crate::one_module::chains::MODULE;
use crate::one_module::tokens::{A, TOKENS, keys_of};

/// Later filters look at claims alone.
fn configuration() -> Value {
    json!({
        "requestAuthentication": {"jwtRules": [{"issuer": A, "jwks": keys_of(A)}]},
        "authorizationPolicy": {"policies": [{"name": "ann", "namespace": "ns", "action": "DENY", "rules": [
            {"when": [{"key": "request.auth.claims[sub]", "values": ["ann"]}]},
        ]}]},
        "rateLimit": {"limits": [
            {"name": "one", "match": [{"claims": {"plan": {"exact": "silver"}}}], "requests": 1, "per": "24h"},
        ]},
        "telemetryTags": {"tags": [{"name": "plan", "claim": "plan"}]},
    })
}

/// What is logged: claims, the reasons of three filters, and the tag.
const FIELDS: [&str; 5] = [
    "claims",
    "request-authentication",
    "authorization-policy",
    "rate-limit",
    "tag.plan",
];

fn listener(name: &str, filter_state: Value) -> Listener {
    let mut config = configuration();
    config["filterState"] = filter_state;
    // Buckets belong to names.
    config["rateLimit"]["limits"][0]["name"] = json!(name);
    let listener = Listener::new(name).module(MODULE, &config);
    FIELDS.iter().fold(listener, |listener, field| {
        listener.log(
            field,
            &format!("%FILTER_STATE(wasm.mesh_filters.{field}:PLAIN)%"),
        )
    })
}

/// What is logged of requests with these tokens.
fn logged(envoy: &Envoy, listener: &str, tokens: &[&str]) -> Vec<[Value; 5]> {
    let client = Client::http1(envoy.addr(listener));
    let seen = tokens.iter().enumerate().map(|(n, token)| {
        let path = format!("/{listener}/{n}");
        let bearer = format!("Bearer {token}");
        client.get(&path).header("authorization", bearer).send();
        let line = || {
            let log = envoy.log();
            let mut lines = log
                .lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok());
            lines.find(|line| line["path"] == path)
        };
        let line = until(SOON, line).expect("a line of the access log");
        FIELDS.map(|field| line[field].clone())
    });
    seen.collect()
}

#[test]
fn claims_and_reasons_stay_out_of_it_where_that_is_wanted_and_decide_all_the_same() {
    let little = json!({"claims": false, "reasons": "refusals"});
    let listeners = [listener("all", Value::Null), listener("little", little)];
    let envoy = Envoy::builder(bootstrap(listeners, []))
        .args(["--file-flush-interval-msec", "10"])
        .start();
    let (gold, silver, ann) = (&TOKENS[0], &TOKENS[1], &TOKENS[2]);
    let tokens = [gold, silver, silver, ann].map(String::as_str);
    let by_default = logged(&envoy, "all", &tokens);
    for [claims, reason, ..] in &by_default {
        let text = claims.as_str().unwrap_or_default();
        assert!(text.contains("\"iss\""), "{claims}");
        assert_eq!(reason, "verified:jwt-0");
    }
    let little = logged(&envoy, "little", &tokens);
    for [claims, reason, ..] in &little {
        assert_eq!([claims, reason], [&Value::Null; 2]);
    }
    for (name, lines) in [("all", by_default), ("little", little)] {
        let decided: Vec<[Value; 3]> = lines
            .into_iter()
            .map(|[_, _, policy, limit, tag]| [policy, limit, tag])
            .collect();
        let limited = format!("limited:{name}");
        let expected = [
            [Value::Null, Value::Null, json!("gold")],
            [Value::Null, Value::Null, json!("silver")],
            [Value::Null, json!(limited), json!("silver")],
            [json!("deny:ns/ann.rules[0]"), Value::Null, json!("gold")],
        ];
        assert_eq!(decided, expected, "{name}");
    }
}
