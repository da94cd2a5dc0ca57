//! Envoy's `jwt_authn` as a request authentication.

use crate::common::{converted, refused};
use serde_json::{Value, json};

const KEYS: &str = r#"{"keys":[{"kty":"oct","kid":"k","alg":"HS256","k":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"}]}"#;

fn provider() -> Value {
    json!({"issuer": "https://issuer.example", "local_jwks": {"inline_string": KEYS}, "payload_in_metadata": "payload"})
}

/// A filter with providers `a` and `b`, and these fields.
fn filter(fields: Value) -> Value {
    let mut filter = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        "providers": {"a": provider(), "b": provider()},
        "bypass_cors_preflight": true,
    });
    filter
        .as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    filter
}

fn requires(requirement: Value) -> Value {
    filter(json!({"rules": [{"match": {"prefix": "/"}, "requires": requirement}]}))
}

#[track_caller]
fn authentication(filter: &Value) -> Value {
    converted(&filter.to_string()).tree["requestAuthentication"].take()
}

/// Names of rules, whether a token has to be there, and whether any passes.
#[track_caller]
fn asked(requirement: Value) -> (Vec<String>, bool, bool) {
    let tree = authentication(&requires(requirement));
    let rules = tree["jwtRules"].as_array().unwrap();
    let names = rules
        .iter()
        .map(|rule| rule["name"].as_str().unwrap().to_owned());
    (
        names.collect(),
        tree["requireToken"] == json!(true),
        tree["shadow"] == json!(true),
    )
}

#[test]
fn requirements_are_rules() {
    let (a, b) = (json!({"provider_name": "a"}), json!({"provider_name": "b"}));
    let any = |list: Value| json!({"requires_any": {"requirements": list}});
    let names = |list: &[&str]| {
        list.iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(asked(a.clone()), (names(&["a"]), true, false));
    assert_eq!(asked(any(json!([a, b]))), (names(&["a", "b"]), true, false));
    assert_eq!(
        asked(any(json!([a, {"allow_missing": {}}]))),
        (names(&["a"]), false, false)
    );
    assert_eq!(
        asked(any(json!([a, {"allow_missing_or_failed": {}}]))),
        (names(&["a"]), false, true)
    );
    assert_eq!(
        asked(json!({"allow_missing": {}})),
        (names(&["a", "b"]), false, false)
    );
    let tree = authentication(&requires(
        json!({"provider_and_audiences": {"provider_name": "a", "audiences": ["x"]}}),
    ));
    assert_eq!(tree["jwtRules"][0]["audiences"], json!(["x"]));
    let named = filter(json!({
        "requirement_map": {"need": a}, "rules": [{"match": {"prefix": "/"}, "requirement_name": "need"}],
    }));
    assert_eq!(authentication(&named)["requireToken"], json!(true));
}

#[test]
fn a_provider_is_a_rule_with_all_it_says() {
    let native = converted(&json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        "bypass_cors_preflight": true,
        "providers": {"issuer one": {
            "issuer": "https://issuer.example",
            "audiences": ["api"],
            "remote_jwks": {
                "http_uri": {"uri": "https://issuer.example/keys", "cluster": "issuer", "timeout": "5s"},
                "cache_duration": "600s", "async_fetch": {},
            },
            "forward": true,
            "from_headers": [{"name": "x-token", "value_prefix": "Token "}],
            "from_params": ["t"], "from_cookies": ["c"],
            "forward_payload_header": "x-payload",
            "claim_to_headers": [{"header_name": "x-sub", "claim_name": "sub"}],
            "clock_skew_seconds": 30,
            "jwt_cache_config": {"jwt_cache_size": 50},
            "payload_in_metadata": "payload",
            "normalize_payload_in_metadata": {"space_delimited_claims": ["scope", "permission", "groups"]},
        }},
        "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "issuer one"}}],
    }).to_string());
    assert_eq!(
        native.tree["requestAuthentication"],
        json!({
            "jwtRules": [{
                "issuer": "https://issuer.example", "audiences": ["api"],
                "jwksUri": "https://issuer.example/keys", "jwksCluster": "issuer", "timeout": "5s", "cacheDuration": "10m",
                "forwardOriginalToken": true, "fromHeaders": [{"name": "x-token", "prefix": "Token "}],
                "fromParams": ["t"], "fromCookies": ["c"], "outputPayloadToHeader": "x-payload",
                "outputClaimToHeaders": [{"header": "x-sub", "claim": "sub"}], "clockSkew": "30s",
                "spaceDelimitedClaims": ["groups"],
            }],
            "requireToken": true, "tokenCacheSize": 50,
        })
    );
    let paths: Vec<&str> = native
        .losses
        .iter()
        .map(|loss| loss.path.as_str())
        .collect();
    assert_eq!(
        paths,
        [
            "providers[\"issuer one\"]",
            "providers[\"issuer one\"].remote_jwks.async_fetch",
            "providers[\"issuer one\"].payload_in_metadata",
        ]
    );
}

#[test]
fn rules_for_some_requests_ask_all() {
    let native = converted(
        &filter(json!({"rules": [
            {"match": {"prefix": "/health"}},
            {"match": {"prefix": "/"}, "requires": {"provider_name": "a"}},
            {"match": {"prefix": "/never"}, "requires": {"provider_name": "b"}},
        ]}))
        .to_string(),
    );
    assert_eq!(
        native.tree["requestAuthentication"]["requireToken"],
        json!(true)
    );
    let told: Vec<&str> = native
        .losses
        .iter()
        .map(|loss| loss.path.as_str())
        .collect();
    for path in ["rules[0].match", "rules[2]", "providers.b"] {
        assert!(told.contains(&path), "{path}: {told:?}");
    }
    let nothing = converted(&filter(json!({})).to_string());
    assert_eq!(nothing.tree, json!({}));
}

/// Ours asks no preflight for a token, so a policy denies those that Envoy refuses.
#[test]
fn preflights_that_need_a_token_are_denied() {
    let mut filter = requires(json!({"provider_name": "a"}));
    filter["bypass_cors_preflight"] = json!(false);
    let native = converted(&filter.to_string());
    let policy = &native.tree["authorizationPolicy"]["policies"][0];
    assert_eq!(
        (&policy["name"], &policy["action"]),
        (&json!("preflights"), &json!("DENY"))
    );
    assert!(
        native
            .losses
            .iter()
            .any(|loss| loss.what.contains("preflights of CORS"))
    );
}

#[test]
fn what_would_let_more_pass_is_refused() {
    let problem = |filter: &Value| refused(&filter.to_string()).join("\n");
    let with = |field: &str, value: Value| {
        let mut filter = requires(json!({"provider_name": "a"}));
        filter["providers"]["a"][field] = value;
        filter
    };
    for (field, value) in [
        ("subjects", json!({"exact": "me"})),
        ("require_expiration", json!(true)),
        ("max_lifetime", json!("60s")),
    ] {
        assert!(
            problem(&with(field, value)).contains("is not converted"),
            "{field}"
        );
    }
    assert!(problem(&with("tomorrow", json!(1))).contains("is not known here"));
    assert!(problem(&with("local_jwks", json!({"filename": "/keys"}))).contains("are not read"));
    let (a, b) = (json!({"provider_name": "a"}), json!({"provider_name": "b"}));
    assert!(
        problem(&requires(json!({"requires_all": {"requirements": [a, b]}})))
            .contains("several tokens at once")
    );
    assert!(
        problem(&requires(json!({"extract_only_without_validation": {}})))
            .contains("nobody verified")
    );
    assert!(problem(&requires(json!({"provider_name": "c"}))).contains("is none of `providers`"));
    let both = filter(json!({"rules": [
        {"match": {"prefix": "/a"}, "requires": a}, {"match": {"prefix": "/"}, "requires": b},
    ]}));
    assert!(problem(&both).contains("other providers than the rule before it"));
    assert!(
        problem(&filter(json!({"filter_state_rules": {}})))
            .contains("filter state are not converted")
    );
}

/// Metadata that is not what istiod writes is no claim to a policy.
#[test]
fn claims_are_those_of_the_filter_before() {
    let rule = |payload: &str, claim: &str| {
        let mut tokens = requires(json!({"provider_name": "a"}));
        tokens["providers"]["a"]["payload_in_metadata"] = json!("mine");
        let either = json!({"or_match": {"value_matchers": [
            {"list_match": {"one_of": {"string_match": {"exact": "x"}}}}, {"string_match": {"exact": "x"}},
        ]}});
        let rbac = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            "rules": {"policies": {"p": {
                "permissions": [{"any": true}],
                "principals": [{"metadata": {
                    "filter": "envoy.filters.http.jwt_authn", "path": [{"key": payload}, {"key": claim}], "value": either,
                }}],
            }}},
        });
        let tokens = json!({"name": "jwt", "typed_config": tokens});
        let mut one = tokens.clone();
        one["typed_config"]["providers"]
            .as_object_mut()
            .unwrap()
            .remove("b");
        let mut native =
            converted(&json!([one, {"name": "rbac", "typed_config": rbac}]).to_string());
        native.tree["authorizationPolicy"]["policies"][0]["rules"].take()
    };
    assert_ne!(rule("mine", "groups"), json!(null));
    assert_eq!(rule("payload", "groups"), json!(null));
    // One text in Envoy, a list in ours.
    assert_eq!(rule("mine", "scope"), json!(null));
}
