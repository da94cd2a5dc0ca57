//! Tokens and faults of Envoy's and what they are converted to, in one Envoy: the same answers.

use integration::client::{Client, Request};
use integration::jwt::{Algorithm, Key, jwks};
use integration::listener::{Listener, typed};
use integration::shared::Shared;
use serde_json::{Value, json};

use super::pair;

fn routes() -> Vec<Value> {
    vec![json!({"name": "all", "match": {"prefix": "/"}, "direct_response": {"status": 200}})]
}

/// Providers `a` and `b`, and a key that neither has.
fn keys() -> [Key; 3] {
    ["a", "b", "c"].map(|kid| Key::new(Algorithm::Es256, kid))
}

fn tokens(requirement: &Value, preflights: bool) -> impl Fn(Listener) -> Listener {
    let [a, b, _] = keys();
    let provider = |name: &str, key: &Key| {
        json!({
            "issuer": name, "audiences": ["api"],
            "local_jwks": {"inline_string": jwks([key]).to_string()},
            "from_headers": [{"name": format!("x-{name}"), "value_prefix": "Token "}],
            "from_params": ["t"],
        })
    };
    let filter = json!({
        "providers": {"a": provider("a", &a), "b": provider("b", &b)},
        "rules": [{"match": {"prefix": "/"}, "requires": requirement}],
        "bypass_cors_preflight": preflights,
    });
    move |listener| {
        listener.filter(
            "envoy.filters.http.jwt_authn",
            "jwt_authn.v3.JwtAuthentication",
            filter.clone(),
        )
    }
}

/// Requests with good tokens and bad ones, at all places.
fn with_tokens() -> Vec<Request> {
    let [a, b, c] = keys();
    let claims = |issuer: &str, audience: &str, exp: u64| json!({"iss": issuer, "sub": "me", "aud": audience, "exp": exp});
    let good = 4_102_444_800;
    let all = [
        a.token(&claims("a", "api", good)),
        a.token(&claims("a", "other", good)),
        a.token(&claims("a", "api", 1)),
        a.token(&claims("b", "api", good)),
        b.token(&claims("b", "api", good)),
        b.token(&claims("b", "other", good)),
        c.token(&claims("a", "api", good)),
        c.token(&claims("c", "api", good)),
        "x.y.z".to_owned(),
    ];
    let mut requests = vec![
        Request::get("/"),
        Request::new("OPTIONS", "/")
            .header("origin", "https://app")
            .header("access-control-request-method", "GET"),
    ];
    for token in &all {
        for name in ["x-a", "x-b"] {
            requests.push(Request::get("/").header(name, format!("Token {token}")));
            requests.push(Request::get("/").header(name, format!("token {token}")));
        }
        requests.push(Request::get(&format!("/?t={token}")));
    }
    for (one, other) in [(0, 4), (0, 5), (2, 4), (2, 5)] {
        requests.push(
            Request::get("/")
                .header("x-a", format!("Token {}", all[one]))
                .header("x-b", format!("Token {}", all[other])),
        );
    }
    requests
}

fn fault(fields: Value) -> impl Fn(Listener) -> Listener {
    move |listener| {
        listener.filter(
            "envoy.filters.http.fault",
            "fault.v3.HTTPFault",
            fields.clone(),
        )
    }
}

fn hundred(mut fault: Value) -> Value {
    fault["percentage"] = json!({"numerator": 100});
    fault
}

fn faulty() -> Vec<Request> {
    let mut requests = vec![Request::grpc("/a.B/C", b"ping")];
    for path in ["/", "/1", "/2", "/1?x"] {
        for (name, value) in [
            ("x", "1"),
            ("end-user", "jason"),
            ("end-user", "JASON"),
            ("x-envoy-fault-abort-request", "418"),
            ("x-envoy-fault-abort-request", "none"),
            ("x-envoy-downstream-service-node", "web"),
        ] {
            requests.push(Request::get(path).header(name, value));
        }
    }
    requests
}

#[test]
fn tokens_and_faults_are_answered_alike() {
    let (a, b) = (json!({"provider_name": "a"}), json!({"provider_name": "b"}));
    let any = |list: Value| json!({"requires_any": {"requirements": list}});
    let mut cases: Vec<(&str, [Listener; 2], Vec<Request>)> = Vec::new();
    for (name, requirement) in [
        ("one", a.clone()),
        ("either", any(json!([a, b]))),
        ("optional", any(json!([a, b, {"allow_missing": {}}]))),
        (
            "lenient",
            any(json!([a, b, {"allow_missing_or_failed": {}}])),
        ),
        (
            "audience",
            json!({"provider_and_audiences": {"provider_name": "a", "audiences": ["other"]}}),
        ),
    ] {
        let lost = ["provider `b` is not converted", "no `payload_in_metadata`"];
        cases.push((
            name,
            pair(name, tokens(&requirement, true), &routes(), &lost),
            with_tokens(),
        ));
    }
    let no_preflights = pair(
        "strict",
        tokens(&a, false),
        &routes(),
        &["provider `b`", "preflights of CORS"],
    );
    cases.push(("strict", no_preflights, with_tokens()));
    let typed_fault =
        |fields: Value| typed("envoy.extensions.filters.http.fault.v3.HTTPFault", fields);
    let split = vec![
        json!({"name": "one", "match": {"prefix": "/1"}, "direct_response": {"status": 200}, "typed_per_filter_config": {
            "envoy.filters.http.fault": typed_fault(json!({
                "abort": hundred(json!({"http_status": 418})), "headers": [{"name": "x", "present_match": true}],
            })),
        }}),
        json!({"name": "two", "match": {"prefix": "/2"}, "direct_response": {"status": 200}, "typed_per_filter_config": {
            "envoy.filters.http.fault": typed_fault(json!({})),
        }}),
        routes().remove(0),
    ];
    let jason =
        json!([{"name": "end-user", "string_match": {"exact": "jason", "ignore_case": true}}]);
    for (name, fields, routes) in [
        (
            "abort",
            json!({"abort": hundred(json!({"http_status": 503})), "headers": jason}),
            routes(),
        ),
        (
            "grpc",
            json!({"abort": hundred(json!({"grpc_status": 14}))}),
            routes(),
        ),
        (
            "never",
            json!({"abort": {"http_status": 503, "percentage": {"numerator": 0}}}),
            routes(),
        ),
        (
            "header",
            json!({"abort": hundred(json!({"header_abort": {}}))}),
            routes(),
        ),
        (
            "nodes",
            json!({"abort": hundred(json!({"http_status": 500})), "downstream_nodes": ["web", "app"]}),
            routes(),
        ),
        (
            "routes",
            json!({"abort": hundred(json!({"http_status": 500}))}),
            split,
        ),
    ] {
        cases.push((name, pair(name, fault(fields), &routes, &[]), faulty()));
    }
    let listeners: Vec<Listener> = cases.iter().flat_map(|(_, pair, _)| pair.clone()).collect();
    let envoy = Shared::start(listeners, []);
    let mut seen = std::collections::BTreeMap::<u16, u32>::new();
    for (name, _, requests) in &cases {
        let clients =
            ["native", "ours"].map(|side| Client::http2(envoy.addr(&format!("{side}-{name}"))));
        for request in requests {
            let [theirs, mine] = clients.each_ref().map(|client| {
                let answer = client.send(request.clone());
                (
                    answer.status,
                    answer.header("grpc-status").map(str::to_owned),
                    answer.text(),
                )
            });
            *seen.entry(theirs.0).or_default() += 1;
            // A preflight that needs a token is denied by a policy, where Envoy asks for one.
            if *name == "strict" && request.method() == "OPTIONS" {
                assert_eq!((theirs.0, mine.0), (401, 403));
                continue;
            }
            // Of two bad tokens Envoy tells of the one that it looked at last, ours of the first.
            if request.first("x-a").is_some() && request.first("x-b").is_some() && theirs.0 != 200 {
                assert_ne!(mine.0, 200, "{name}: {request:?}");
                continue;
            }
            assert_eq!(mine, theirs, "{name}: {request:?}");
        }
    }
    println!("{seen:?}");
    assert!(seen.len() > 5, "{seen:?}");
}
