//! What was verified reaches those who come after: our other filters, Envoy's own, the access log
//! of whoever asks for it. And nobody else.

use std::net::SocketAddr;

use integration::client::Client;
use integration::envoy::Envoy;
use integration::jwt::{Algorithm, Key, jwks};
use integration::listener::{Listener, bootstrap, cluster};
use integration::shared::Shared;
use integration::upstream::Upstream;
use serde_json::{Value, json};

use crate::request_authentication::differential::good_claims;
use crate::request_authentication::rules::A;
use crate::request_authentication::{FILTER, SOON, configured, native, ours};

fn key() -> Key {
    Key::new(Algorithm::Es256, "claims")
}

fn rules() -> Value {
    json!([{"name": "a", "issuer": A, "jwks": jwks([&key()]).to_string()}])
}

fn bearer(claims: &Value) -> String {
    format!("Bearer {}", key().token(claims))
}

fn status(addr: SocketAddr, authorization: Option<&str>) -> u16 {
    let mut call = Client::http1(addr).get("/");
    if let Some(value) = authorization {
        call = call.header("authorization", value);
    }
    call.send().status
}

/// Fault injection that stops those whose token says `foo: bar`.
fn with_fault(listener: Listener) -> Listener {
    listener.module(
        "fault-injection",
        &json!({"http": [{
            "name": "bar",
            "match": [{"claims": {"foo": {"exact": "bar"}}}],
            "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": 418}},
        }]}),
    )
}

#[test]
fn our_other_filters_read_them() {
    let envoy = Shared::start([with_fault(ours(&rules()))], []);
    let mut other = good_claims();
    other["foo"] = json!("other");
    assert_eq!(status(envoy.addr("ours"), None), 200);
    // Twice, so that the second one comes out of the cache.
    for _ in 0..4 {
        assert_eq!(status(envoy.addr("ours"), Some(&bearer(&other))), 200);
        assert_eq!(
            status(envoy.addr("ours"), Some(&bearer(&good_claims()))),
            418
        );
    }
}

/// Behind Envoy's own filter ours verifies other tokens; what it verified comes first.
#[test]
fn claims_of_envoys_own_filter_go_on_where_ours_has_none() {
    let service = Key::new(Algorithm::EdDsa, "service");
    let second = json!([{
        "issuer": "services", "jwks": jwks([&service]).to_string(),
        "fromHeaders": [{"name": "x-service"}],
    }]);
    let mut first = rules();
    // A name is ours.
    first[0].as_object_mut().unwrap().remove("name");
    let listener = with_fault(native(&first).module(FILTER, &json!({"jwtRules": second})));
    let envoy = Shared::start([listener], []);
    assert_eq!(
        status(envoy.addr("native"), Some(&bearer(&good_claims()))),
        418
    );
    let service = service.token(&json!({"iss": "services", "sub": "orders"}));
    let both = Client::http1(envoy.addr("native"))
        .get("/")
        .header("authorization", bearer(&good_claims()))
        .header("x-service", service)
        .send();
    assert_eq!(both.status, 200);
}

#[test]
fn envoys_own_rbac_reads_them_in_filter_state() {
    let state =
        |key: &str, value: Value| json!({"filter_state": {"key": key, "string_match": value}});
    let allow = |principal: Value| {
        json!({"rules": {"action": "ALLOW", "policies": {
            "only": {"permissions": [{"any": true}], "principals": [principal]},
        }}})
    };
    let rbac = |listener: Listener, principal: Value| {
        listener.filter("envoy.filters.http.rbac", "rbac.v3.RBAC", allow(principal))
    };
    let verified = state(
        "wasm.mesh_filters.request-authentication",
        json!({"exact": "verified:a"}),
    );
    let claim = state(
        "wasm.mesh_filters.claims",
        json!({"contains": r#""foo":"bar""#}),
    );
    let named = |name| Listener::new(name).module(FILTER, &json!({"jwtRules": rules()}));
    let envoy = Shared::start(
        [
            rbac(named("verified"), verified),
            rbac(named("claim"), claim),
        ],
        [],
    );
    let mut other = good_claims();
    other["foo"] = json!("other");
    for (listener, without, with_other, with_bar) in
        [("verified", 403, 200, 200), ("claim", 403, 403, 200)]
    {
        assert_eq!(status(envoy.addr(listener), None), without);
        assert_eq!(
            status(envoy.addr(listener), Some(&bearer(&other))),
            with_other
        );
        assert_eq!(
            status(envoy.addr(listener), Some(&bearer(&good_claims()))),
            with_bar
        );
        assert_eq!(status(envoy.addr(listener), Some("Bearer x.y.z")), 401);
    }
}

/// As JSON, with lists for the claims that are lists written as one text.
#[test]
fn whoever_asks_for_them_sees_them_in_the_access_log() {
    let listener = ours(&rules()).log("claims", "%FILTER_STATE(wasm.mesh_filters.claims:PLAIN)%");
    let envoy = Envoy::builder(bootstrap([listener], []))
        .args(["--file-flush-interval-msec", "10"])
        .start();
    let mut claims = good_claims();
    claims["scope"] = json!("read write");
    assert_eq!(status(envoy.addr("ours"), Some(&bearer(&claims))), 200);
    let line = envoy.wait_log("verified:a", SOON);
    let line: Value = serde_json::from_str(&line[line.find('{').unwrap()..]).unwrap();
    let logged = &line["claims"];
    // Envoy writes JSON into a field as it is, or as text.
    let logged: Value = match logged.as_str() {
        Some(text) => serde_json::from_str(text).unwrap(),
        None => logged.clone(),
    };
    claims["scope"] = json!(["read", "write"]);
    assert_eq!(logged, claims);
}

/// A client cannot choose a route by a header that only the filter writes.
#[test]
fn a_forged_header_chooses_no_route() {
    let upstream = Upstream::start();
    let rules = json!([{
        "name": "a", "issuer": A, "jwks": jwks([&key()]).to_string(),
        "outputClaimToHeaders": [{"header": "x-foo", "claim": "foo"}],
    }]);
    let admin = json!({
        "match": {"prefix": "/", "headers": [{"name": "x-foo", "string_match": {"exact": "bar"}}]},
        "direct_response": {"status": 222},
    });
    let others = json!({"match": {"prefix": "/"}, "direct_response": {"status": 200}});
    let listener = ours(&rules).routes(vec![admin, others]);
    let clusters = [cluster("upstream", upstream.addr(), false)];
    let envoy = Shared::start([listener], clusters);
    let client = Client::http1(envoy.addr("ours"));
    assert_eq!(client.get("/").header("x-foo", "bar").send().status, 200);
    assert_eq!(
        client
            .get("/")
            .header("X-Foo", "bar")
            .header("x-foo", "b")
            .send()
            .status,
        200
    );
    let preflight = client
        .method("OPTIONS", "/")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "GET")
        .header("x-foo", "bar");
    assert_eq!(preflight.send().status, 200);
    assert_eq!(
        status(envoy.addr("ours"), Some(&bearer(&good_claims()))),
        222
    );
}

/// No token, no part of one and no claim is written anywhere, however much Envoy is told to write.
#[test]
fn nothing_secret_is_written() {
    let config = json!({"requireToken": true, "jwtRules": [{
        "name": "a", "issuer": A, "audiences": ["api"], "jwks": jwks([&key()]).to_string(),
        "fromHeaders": [{"name": "authorization", "prefix": "Bearer "}],
        "fromCookies": ["session"], "fromParams": ["token"],
        "outputPayloadToHeader": "x-payload",
        "outputClaimToHeaders": [{"header": "x-sub", "claim": "sub"}],
    }]});
    let listener = configured(&config).log("path", "-");
    let envoy = Envoy::builder(bootstrap([listener], []))
        .args([
            "--component-log-level",
            "wasm:trace",
            "--file-flush-interval-msec",
            "10",
        ])
        .start();
    let client = Client::http1(envoy.addr("ours"));
    let mut claims =
        json!({"iss": A, "aud": "api", "sub": "s3cret-subject", "mail": "s3cret@example.org"});
    let mut tokens = vec![key().token(&claims)];
    claims["exp"] = json!(1);
    tokens.push(key().token(&claims));
    claims["exp"] = json!("s3cret-time");
    tokens.push(key().token(&claims));
    claims["exp"] = json!(null);
    claims["aud"] = json!("s3cret-audience");
    tokens.push(key().token(&claims));
    tokens.push(Key::new(Algorithm::Es256, "s3cret-kid").token(&claims));
    tokens.push(key().token_of(r#"{"alg":"s3cret-alg"}"#, "{s3cret-json"));
    tokens.push("s3cret-garbage".to_owned());
    for token in &tokens {
        for _ in 0..2 {
            let bearer = format!("Bearer {token}");
            client.get("/").header("authorization", bearer).send();
            client
                .get("/")
                .header("cookie", format!("session={token}"))
                .send();
            client.get(&format!("/?token={token}")).send();
        }
    }
    client.get("/").header("x-sub", "s3cret-forged").send();
    for reason in [
        "verified:a",
        "expired:a",
        "malformed_claim",
        "malformed",
        "missing",
    ] {
        envoy.wait_log(&format!("\"reason\":\"{reason}\""), SOON);
    }
    let written = [
        envoy.log(),
        envoy.admin().get("/stats"),
        envoy.admin().prometheus(),
    ]
    .join("\n");
    let parts = tokens
        .iter()
        .flat_map(|token| token.split('.'))
        .filter(|part| part.len() > 8);
    // A token of this key begins as all of its do.
    for part in parts.chain(["s3cret"]) {
        assert!(!written.contains(part), "`{part}` was written");
    }
}
