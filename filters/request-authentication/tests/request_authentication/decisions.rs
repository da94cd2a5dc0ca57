//! What becomes of requests: places, several tokens and rules, headers in and out, answers.

use std::time::Duration;

use crate::mint;
use crate::rig::{Rig, rule};
use serde_json::{Value, json};

/// 2026-01-01, when the rig's world is.
const NOW: u64 = 1_767_225_600;

fn token(payload: &Value) -> String {
    mint::token("ed25519", "EdDSA", payload)
}

fn with(changes: &Value) -> Value {
    let mut rule = rule(&["ed25519"]);
    for (name, value) in changes.as_object().unwrap() {
        rule[name] = value.clone();
    }
    rule
}

fn one(changes: &Value) -> Rig {
    Rig::new(&json!({"jwtRules": [with(changes)]}))
}

fn bearer(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

#[test]
fn a_request_without_a_token_is_anonymous() {
    let rig = one(&json!({}));
    for value in ["Basic YTpi", "bearer a.b.c", "Bearer"] {
        let seen = rig.send(&[("authorization", value)]);
        assert_eq!((seen.reason.as_str(), seen.edits.len()), ("anonymous", 0));
        assert_eq!(seen.claims, None);
    }
}

#[test]
fn a_good_token_is_stripped_and_its_claims_passed_on() {
    let rig = one(&json!({"spaceDelimitedClaims": ["groups"]}));
    let claims = json!({"iss": "issuer", "sub": "s", "scope": "a b", "permission": "", "groups": "x", "n": 1.5});
    for _ in 0..2 {
        let seen = rig.bearer(&token(&claims));
        assert_eq!(seen.reason, "verified:r");
        assert_eq!(seen.edits, ["-authorization"]);
        assert_eq!(
            seen.claims,
            Some(
                json!({"iss": "issuer", "sub": "s", "scope": ["a", "b"], "permission": "", "groups": ["x"], "n": 1.5})
            )
        );
    }
    let kept = one(&json!({"forwardOriginalToken": true}));
    assert!(kept.bearer(&token(&claims)).edits.is_empty());
}

#[test]
fn a_token_in_the_query_is_cut_out_of_it() {
    let rig = one(&json!({}));
    let path = format!(
        "/a?x=%26&access_token={}&y=1",
        token(&json!({"iss": "issuer"}))
    );
    let seen = rig.send(&[(":path", &path)]);
    assert_eq!(
        (seen.reason.as_str(), seen.edits),
        ("verified:r", vec!["=:path: /a?x=%26&y=1".to_owned()])
    );
}

#[test]
fn a_token_in_a_cookie_stays_there() {
    let rig = one(&json!({"fromCookies": ["t"]}));
    let cookie = format!("a=1; t={}", token(&json!({"iss": "issuer"})));
    let seen = rig.send(&[("cookie", &cookie)]);
    assert_eq!((seen.reason.as_str(), seen.edits.len()), ("verified:r", 0));
}

/// Of several tokens of one rule all must be good, the last is asked first, and the first speaks to
/// later filters.
#[test]
fn all_tokens_of_a_rule_must_be_good() {
    let rig = one(&json!({"outputClaimToHeaders": [{"header": "x-sub", "claim": "sub"}]}));
    let first = token(&json!({"iss": "issuer", "sub": "first"}));
    let second = token(&json!({"iss": "issuer", "sub": "second"}));
    let (name, value) = bearer(&first);
    let path = format!("/?access_token={second}");
    let seen = rig.send(&[(":path", &path), (name, &value), ("x-sub", "forged")]);
    assert_eq!(seen.reason, "verified:r");
    assert_eq!(
        seen.edits,
        [
            "-authorization",
            "-x-sub",
            "+x-sub: second",
            "+x-sub: first",
            "=:path: /"
        ]
    );
    assert_eq!(seen.claims.unwrap()["sub"], "first");

    let seen = rig.send(&[(":path", "/?access_token=bad"), (name, "Bearer a.b")]);
    assert_eq!(seen.reason, "malformed");
    let late = token(&json!({"iss": "issuer", "exp": 1}));
    let path = format!("/?access_token={late}");
    assert_eq!(
        rig.send(&[(":path", &path), (name, &value)]).reason,
        "expired:r"
    );
    assert_eq!(
        rig.send(&[(":path", &path), (name, "Bearer bad")]).reason,
        "expired:r"
    );
}

#[test]
fn times_count_to_the_second_also_for_a_known_token() {
    let rig = one(&json!({}));
    let text = token(&json!({"iss": "issuer", "nbf": NOW + 60, "exp": NOW + 100}));
    for _ in 0..2 {
        assert_eq!(rig.bearer(&text).reason, "verified:r");
    }
    rig.world.advance(Duration::from_secs(160));
    assert_eq!(rig.bearer(&text).reason, "verified:r");
    rig.world.advance(Duration::from_secs(1));
    for _ in 0..2 {
        let seen = rig.bearer(&text);
        assert_eq!(
            (seen.reason.as_str(), seen.body.as_str()),
            ("expired:r", "Jwt is expired")
        );
    }
    // The clock was set back: what is in the cache counts no sooner than what is not.
    let early = token(&json!({"iss": "issuer", "nbf": NOW + 161}));
    assert_eq!(rig.bearer(&early).reason, "verified:r");
    rig.world.set_now(sdk_helpers::Timestamp::from_secs(NOW));
    assert_eq!(rig.bearer(&early).reason, "not_yet_valid:r");
    let strict = one(&json!({"clockSkew": "0s"}));
    let text = token(&json!({"iss": "issuer", "nbf": NOW, "exp": NOW}));
    assert_eq!(strict.bearer(&text).reason, "verified:r");
    strict.world.advance(Duration::from_secs(1));
    assert_eq!(strict.bearer(&text).reason, "expired:r");
}

#[test]
fn what_is_asked_first_is_said_first() {
    let rig = one(&json!({"audiences": ["https://me/"]}));
    let seen = |payload: Value| {
        let forged = mint::token("ed25519", "EdDSA", &payload);
        let (text, _) = forged.rsplit_once('.').unwrap();
        let seen = rig.bearer(&format!("{text}.{}", mint::url(&[1; 64])));
        (seen.reason, seen.status)
    };
    let answer = |reason: &str, status: u16| (reason.to_owned(), status);
    assert_eq!(
        seen(json!({"iss": "other", "exp": 1, "aud": "x"})),
        answer("issuer", 401)
    );
    assert_eq!(seen(json!({"exp": 1})), answer("issuer", 401));
    assert_eq!(
        seen(json!({"iss": "issuer", "exp": 1, "aud": "x"})),
        answer("expired:r", 401)
    );
    assert_eq!(
        seen(json!({"iss": "issuer", "aud": "x"})),
        answer("audience:r", 403)
    );
    assert_eq!(seen(json!({"iss": "issuer"})), answer("audience:r", 403));
    assert_eq!(
        seen(json!({"iss": "issuer", "aud": []})),
        answer("audience:r", 403)
    );
    assert_eq!(
        seen(json!({"iss": "issuer", "aud": ["x", "me"]})),
        answer("signature:r", 401)
    );
}

/// Envoy's procedure, for two rules.
#[test]
fn the_first_rule_that_is_content_decides() {
    let place = |header: &str| json!([{"name": header}]);
    let rig = Rig::new(&json!({"jwtRules": [
        with(&json!({"name": "b", "issuer": "b", "fromHeaders": place("x-b")})),
        with(&json!({"name": "a", "issuer": "a", "fromHeaders": place("x-a")})),
    ]}));
    let (a, b) = (token(&json!({"iss": "a"})), token(&json!({"iss": "b"})));
    let seen = |headers: &[(&str, &str)]| {
        let seen = rig.send(headers);
        (seen.reason, seen.edits.join(" "))
    };
    let is = |reason: &str, edits: &str| (reason.to_owned(), edits.to_owned());
    // Sorted by issuer: a is asked first, and b's token is then neither checked nor stripped.
    assert_eq!(
        seen(&[("x-a", &a), ("x-b", "bad")]),
        is("verified:a", "-x-a")
    );
    assert_eq!(
        seen(&[("x-a", "bad"), ("x-b", &b)]),
        is("verified:b", "-x-b")
    );
    assert_eq!(seen(&[("x-b", &b)]), is("verified:b", "-x-b"));
    assert_eq!(seen(&[("x-a", "bad"), ("x-b", &a)]), is("malformed", ""));
    // An issuer is the least that can be said of a token.
    assert_eq!(seen(&[("x-a", &b), ("x-b", "bad")]), is("malformed", ""));
    assert_eq!(seen(&[("x-a", &b), ("x-b", &a)]), is("issuer", ""));
}

#[test]
fn two_rules_of_one_issuer_at_one_place_are_an_or() {
    let rig = Rig::new(&json!({"jwtRules": [
        with(&json!({"name": "first", "audiences": ["a"]})),
        with(&json!({"name": "second", "audiences": ["b"]})),
    ]}));
    for (audience, reason) in [
        ("a", "verified:first"),
        ("b", "verified:second"),
        ("c", "audience:first"),
    ] {
        let text = token(&json!({"iss": "issuer", "aud": audience}));
        for _ in 0..2 {
            assert_eq!(rig.bearer(&text).reason, reason);
        }
    }
}

#[test]
fn an_empty_issuer_takes_any() {
    let rig = Rig::new(
        &json!({"jwtRules": [{"name": "r", "jwksUri": "https://a/", "jwks": mint::jwks(&["ed25519"])}]}),
    );
    for payload in [json!({}), json!({"iss": "whoever"})] {
        assert_eq!(rig.bearer(&token(&payload)).reason, "verified:r");
    }
}

/// What a rule writes no client may write, whatever becomes of the request.
#[test]
fn headers_that_a_rule_writes_are_nobody_elses() {
    let rig = Rig::new(&json!({"jwtRules": [
        with(&json!({"name": "a", "issuer": "a", "outputPayloadToHeader": "X-Payload"})),
        with(&json!({"name": "b", "issuer": "b", "outputClaimToHeaders": [
            {"header": "x-b", "claim": "sub"}, {"header": "X-Roles", "claim": "realm.roles"},
            {"header": "x-url", "claim": "https://e.example/x.y"}, {"header": "x-dotted", "claim": "[a.b][c]"},
        ]})),
    ]}));
    let forged = [
        ("x-payload", "f"),
        ("x-b", "f"),
        ("x-b", "g"),
        ("other", "o"),
    ];
    let gone = ["-x-payload", "-x-b"];
    assert_eq!(rig.send(&forged).edits, gone);
    let preflight = [
        (":method", "OPTIONS"),
        ("origin", "o"),
        ("access-control-request-method", "PUT"),
        ("authorization", "Bearer bad"),
    ];
    let seen = rig.send(&[&forged[..], &preflight].concat());
    assert_eq!(
        (seen.reason.as_str(), seen.edits),
        ("preflight", gone.map(str::to_owned).into())
    );
    for missing in 0..3 {
        let mut partly = preflight.to_vec();
        partly.remove(missing);
        assert_eq!(rig.send(&partly).reason, "malformed");
    }
    let claims = json!({"iss": "b", "sub": "s", "realm": {"roles": ["r"]}, "https://e.example/x.y": "u", "a.b": {"c": true}});
    let (name, value) = bearer(&token(&claims));
    let seen = rig.send(&[&forged[..], &[(name, value.as_str())]].concat());
    assert_eq!(
        seen.edits,
        [
            "-authorization",
            "-x-payload",
            "-x-b",
            "+x-b: s",
            "+x-roles: WyJyIl0=",
            "+x-url: u",
            "+x-dotted: true"
        ]
    );
    let text = token(&json!({"iss": "a"}));
    let payload = text.split('.').nth(1).unwrap();
    let seen = rig.bearer(&text);
    assert_eq!(
        seen.edits,
        [
            "-authorization".to_owned(),
            format!("+x-payload: {payload}")
        ]
    );
}

#[test]
fn a_claim_that_no_header_can_carry_is_left_out_and_counted() {
    let rig = one(&json!({"outputClaimToHeaders": [{"header": "x-sub", "claim": "sub"}]}));
    for claim in ["a\r\nx-admin: 1", "\u{0}", "\u{7f}"] {
        let seen = rig.bearer(&token(&json!({"iss": "issuer", "sub": claim})));
        assert_eq!(seen.reason, "verified:r,unsafe_claim:r");
        assert_eq!(seen.edits, ["-authorization"]);
    }
}

#[test]
fn a_token_where_a_rule_writes_is_no_token() {
    let rig = one(&json!({"fromHeaders": [{"name": "x-t"}], "outputPayloadToHeader": "x-t"}));
    let seen = rig.send(&[("x-t", &token(&json!({"iss": "issuer"})))]);
    assert_eq!(
        (seen.reason.as_str(), seen.edits),
        ("anonymous", vec!["-x-t".to_owned()])
    );
}

#[test]
fn a_refusal_says_what_envoy_says() {
    let rig = one(&json!({}));
    let path = format!("/p?q={}", "x".repeat(300));
    let seen = rig.send(&[(":path", &path), ("authorization", "Bearer bad")]);
    assert_eq!(seen.status, 401);
    assert_eq!(
        seen.body,
        "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"
    );
    let realm = format!(
        "Bearer realm=\"http://app.example{}\", error=\"invalid_token\"",
        &path[..256]
    );
    assert_eq!(seen.headers, [("www-authenticate".to_owned(), realm)]);
    let seen = rig.send(&[
        ("x-envoy-original-path", "/was"),
        ("authorization", "Bearer bad"),
    ]);
    assert_eq!(
        seen.headers[0].1,
        "Bearer realm=\"http://app.example/was\", error=\"invalid_token\""
    );
}

#[test]
fn a_token_may_be_required() {
    let rig = Rig::new(&json!({"jwtRules": [with(&json!({}))], "requireToken": true}));
    let seen = rig.send(&[]);
    assert_eq!(
        (seen.reason.as_str(), seen.status, seen.body.as_str()),
        ("missing", 401, "Jwt is missing")
    );
    assert_eq!(
        seen.headers,
        [(
            "www-authenticate".to_owned(),
            "Bearer realm=\"http://app.example/\"".to_owned()
        )]
    );
    assert_eq!(
        rig.bearer(&token(&json!({"iss": "issuer"}))).reason,
        "verified:r"
    );
}

#[test]
fn a_shadow_refuses_nobody() {
    let rig =
        Rig::new(&json!({"jwtRules": [with(&json!({}))], "requireToken": true, "shadow": true}));
    for (headers, reason) in [
        (vec![], "shadow_missing"),
        (vec![bearer("bad")], "shadow_malformed"),
        (
            vec![bearer(&token(&json!({"iss": "issuer", "exp": 1})))],
            "shadow_expired:r",
        ),
        (
            vec![bearer(&token(&json!({"iss": "issuer"})))],
            "verified:r",
        ),
    ] {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let seen = rig.send(&headers);
        assert_eq!((seen.reason.as_str(), seen.status), (reason, 0));
        assert_eq!(seen.claims.is_some(), reason == "verified:r");
    }
}

#[test]
fn a_refusal_may_be_a_document() {
    let config = |body: Value| json!({"jwtRules": [with(&json!({}))], "errorBody": body});
    let rig = Rig::new(&config(json!({})));
    let seen = rig.bearer("bad");
    assert_eq!(
        seen.headers[1],
        (
            "content-type".to_owned(),
            "application/problem+json".to_owned()
        )
    );
    let document: Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(
        (&document["status"], &document["reason"]),
        (&json!(401), &json!("malformed"))
    );
    assert!(
        document["title"]
            .as_str()
            .unwrap()
            .starts_with("Jwt is not in the form")
    );
    // To gRPC it is a message.
    let seen = rig.send(&[
        ("content-type", "application/grpc"),
        ("authorization", "Bearer bad"),
    ]);
    assert!(seen.body.starts_with("Jwt is not") && seen.headers.len() == 1);
    let rig = Rig::new(&config(
        json!({"contentType": "text/html", "text": "<b>%STATUS% %REASON%</b>"}),
    ));
    let seen = rig.bearer(&token(&json!({"iss": "other"})));
    assert_eq!(seen.body, "<b>401 issuer</b>");
}

/// Forged tokens cost the host no more than good ones, and a known token costs it nothing.
#[test]
fn the_host_is_asked_once_for_a_token() {
    let rig = Rig::new(&json!({"jwtRules": [rule(&["p256"])]}));
    let asked = rig.host_verifies(|_| Some(vec![8, 1]));
    let text = mint::token("p256", "ES256", &json!({"iss": "issuer"}));
    for _ in 0..5 {
        assert_eq!(rig.bearer(&text).reason, "verified:r");
    }
    assert_eq!(asked.borrow().len(), 1);
    let uncached = Rig::new(&json!({"jwtRules": [rule(&["p256"])], "tokenCacheSize": 0}));
    let asked = uncached.host_verifies(|_| Some(vec![8, 1]));
    for _ in 0..5 {
        let _ = uncached.bearer(&text);
    }
    assert_eq!(asked.borrow().len(), 5);
}
