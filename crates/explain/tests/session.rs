//! Requests that are explained one after another, and what is told of each.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use explain::{Answer, Chain, Line, Normalization, Options, Outcome, Session};
use sdk_helpers::{Roll, Timestamp};
use serde_json::{Value, json};

/// 2026-01-01T00:00:00Z.
const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

fn chain(policies: &Value) -> Chain {
    let filter = catalog::find("mesh-filters").unwrap();
    Chain::load(filter, policies, NOW, None).unwrap()
}

fn answers(policies: &Value, options: Options, lines: &[Value]) -> Vec<Answer> {
    let chain = chain(policies);
    let mut session = Session::new(&chain, NOW, options);
    let lines = lines
        .iter()
        .map(|line| Line::parse(&line.to_string()).unwrap());
    let answers = lines.map(|line| session.answer(&line).unwrap());
    answers.inspect(is_written_as_serde_does).collect()
}

fn is_written_as_serde_does(answer: &Answer) {
    let mut written = String::new();
    answer.write_json(&mut written);
    assert_eq!(written, serde_json::to_string(answer).unwrap());
}

fn answer(policies: &Value, line: &Value) -> Answer {
    let mut all = answers(policies, Options::default(), std::slice::from_ref(line));
    all.pop().unwrap()
}

fn allow(rules: &Value) -> Value {
    json!({"authorizationPolicy": {"policies": [{"name": "p", "namespace": "a", "rules": rules}]}})
}

#[test]
fn a_request_is_allowed_or_denied_and_the_answer_says_why() {
    let policies = allow(&json!([{
        "from": [{"source": {"principals": ["cluster.local/ns/shop/sa/web"]}}],
        "to": [{"operation": {"methods": ["GET"], "paths": ["/orders/*"]}}],
    }]));
    let line = json!({
        "url": "https://shop.example:8443/orders/7?token=abc", "peer": "spiffe://cluster.local/ns/shop/sa/web",
        "headers": {"X-Plan": "gold", "authorization": "Bearer abc", "x-a": ["1", "2"]},
    });
    assert_eq!(
        serde_json::to_value(answer(&policies, &line)).unwrap(),
        json!({
            "decision": "allow", "status": 200, "by": null, "reason": null,
            "filters": [{"filter": "authorization-policy", "decision": "allow", "reason": "allow:a/p.rules[0]"}],
            "request": {"headers": {
                ":authority": "shop.example:8443", ":path": "/orders/7?token=***", ":method": "GET", ":scheme": "https",
                "x-plan": "gold", "authorization": "Bearer ***", "x-a": ["1", "2"],
            }},
            "response": {"headers": {":status": "200"}},
        })
    );
    let line = json!({"method": "POST", "url": "http://a/orders/7", "peer": "spiffe://cluster.local/ns/shop/sa/web"});
    assert_eq!(
        serde_json::to_value(answer(&policies, &line)).unwrap(),
        json!({
            "decision": "deny", "status": 403, "by": "authorization-policy",
            "reason": "no_allow:a/p.rules[0].to[0].operation.methods",
            "filters": [{
                "filter": "authorization-policy", "decision": "deny",
                "reason": "no_allow:a/p.rules[0].to[0].operation.methods",
                "closest": {
                    "policy": "a/p", "condition": "rules[0].to[0].operation.methods",
                    "wanted": ["GET"], "seen": "POST",
                },
            }],
            "request": {"headers": {":authority": "a", ":path": "/orders/7", ":method": "POST", ":scheme": "http"}},
            "response": {"headers": {":status": "403"}},
        })
    );
}

#[test]
fn what_was_wanted_is_told_beside_what_was_seen() {
    let of = |rule: Value, line: Value| {
        let closest = answer(&allow(&json!([rule])), &line)
            .filters
            .remove(0)
            .closest
            .unwrap();
        (closest.key, closest.wanted, closest.seen)
    };
    let seen = |key: Option<&str>, wanted: &str, seen: Option<&str>| {
        (
            key.map(str::to_owned),
            vec![wanted.to_owned()],
            seen.map(str::to_owned),
        )
    };
    let from = |source: Value| json!({"from": [{"source": source}]});
    let to = |operation: Value| json!({"to": [{"operation": operation}]});
    let when = |key: &str, value: &str| json!({"when": [{"key": key, "values": [value]}]});
    let url = "http://a.example:81/x?y=secret";
    let claims = json!({"iss": "i", "sub": "s", "groups": ["a", "b"], "aud": "c"});
    let line = json!({"url": url, "fromIp": "10.0.0.1", "peer": "spiffe://d/ns/n/sa/s", "claims": claims,
        "headers": {"x-plan": "gold", "authorization": "Bearer secret"}});
    for (rule, expected) in [
        (to(json!({"paths": ["/z"]})), seen(None, "/z", Some("/x"))),
        (
            to(json!({"hosts": ["b"]})),
            seen(None, "b", Some("a.example:81")),
        ),
        (to(json!({"ports": ["80"]})), seen(None, "80", Some("81"))),
        (
            from(json!({"namespaces": ["m"]})),
            seen(None, "m", Some("spiffe://d/ns/n/sa/s")),
        ),
        (
            from(json!({"ipBlocks": ["192.0.2.0/24"]})),
            seen(None, "192.0.2.0/24", Some("10.0.0.1")),
        ),
        (
            from(json!({"remoteIpBlocks": ["192.0.2.1"]})),
            seen(None, "192.0.2.1", Some("10.0.0.1")),
        ),
        (
            from(json!({"requestPrincipals": ["i/t"]})),
            seen(None, "i/t", Some("i/s")),
        ),
        (
            when("request.headers[x-plan]", "free"),
            seen(Some("request.headers[x-plan]"), "free", Some("gold")),
        ),
        (
            when("request.headers[x-none]", "free"),
            seen(Some("request.headers[x-none]"), "free", None),
        ),
        (
            when("request.headers[authorization]", "Bearer other"),
            seen(
                Some("request.headers[authorization]"),
                "***",
                Some("Bearer ***"),
            ),
        ),
        (
            when("request.auth.claims[groups]", "c"),
            seen(Some("request.auth.claims[groups]"), "c", Some("a,b")),
        ),
        (
            when("request.auth.audiences", "d"),
            seen(Some("request.auth.audiences"), "d", Some("c")),
        ),
        (
            when("source.principal", "d/ns/n/sa/t"),
            seen(
                Some("source.principal"),
                "d/ns/n/sa/t",
                Some("spiffe://d/ns/n/sa/s"),
            ),
        ),
    ] {
        assert_eq!(of(rule.clone(), line.clone()), expected, "{rule}");
    }
}

#[test]
fn limits_keep_their_count_and_the_clock_is_the_lines() {
    let policies = json!({"rateLimit": {"limits": [{"name": "l", "requests": 2, "per": "1m"}]}});
    let at = |time: &str| json!({"url": "http://a/", "at": time});
    let next = json!({"url": "http://a/"});
    let lines = [
        at("2026-11-21T10:00:00Z"),
        next.clone(),
        next.clone(),
        at("2026-11-21T10:01:00Z"),
        next,
    ];
    let seen = answers(&policies, Options::default(), &lines);
    let decisions: Vec<_> = seen
        .iter()
        .map(|answer| (answer.decision, answer.status))
        .collect();
    let (allow, reply) = ((Outcome::Allow, 200), (Outcome::Reply, 429));
    assert_eq!(decisions, [allow, allow, reply, allow, allow]);
    assert_eq!(seen[2].reason.as_deref(), Some("limited:l"));
    assert!(seen[2].response.first("retry-after").is_some());
    assert_eq!(seen[0].response.first("x-ratelimit-remaining"), Some("1"));
    // The same at every run.
    assert_eq!(answers(&policies, Options::default(), &lines), seen);
}

#[test]
fn dice_fall_as_given_and_else_hit_nobody() {
    let fault = json!({
        "delay": {"percentage": {"value": 10}, "fixedDelay": "5s"},
        "abort": {"percentage": {"value": 2.5}, "httpStatus": 503},
    });
    let policies = json!({"faultInjection": {"http": [{"fault": fault}]}});
    let line = json!({"url": "http://a/"});
    let seen = answer(&policies, &line);
    assert_eq!((seen.decision, seen.delay_ms), (Outcome::Allow, None));
    assert_eq!(
        serde_json::to_value(&seen.filters[0].rolls).unwrap(),
        json!([
            {"below": 2.5, "then": "delay 5000ms, reply 503, delay:http-0, abort:http-0"},
            {"below": 10, "then": "delay 5000ms, delay:http-0"},
        ])
    );
    for (roll, decision, delay) in [
        (0.0, Outcome::Reply, Some(5000)),
        (2.5, Outcome::Allow, Some(5000)),
        (10.0, Outcome::Allow, None),
        (100.0, Outcome::Allow, None),
    ] {
        let seen = answer(&policies, &json!({"url": "http://a/", "roll": roll}));
        assert_eq!((seen.decision, seen.delay_ms), (decision, delay), "{roll}");
        assert!(seen.filters[0].rolls.is_empty());
        let options = Options {
            roll: Some(explain::roll(roll).unwrap()),
            ..Options::default()
        };
        assert_eq!(
            answers(&policies, options, std::slice::from_ref(&line))[0],
            seen
        );
    }
}

#[test]
fn what_dice_decide_is_found_without_counting_anything() {
    let policies = json!({"rateLimit": {"limits": [
        {"name": "some", "requests": 1, "per": "1m", "enforcedPercent": 20},
        {"name": "all", "requests": 2, "per": "1m"},
    ]}});
    let lines = vec![json!({"url": "http://a/"}); 3];
    let seen = answers(&policies, Options::default(), &lines);
    let rolls: Vec<_> = seen
        .iter()
        .map(|answer| answer.filters[0].rolls.clone())
        .collect();
    assert_eq!(rolls[1].len(), 1, "{rolls:?}");
    assert_eq!(rolls[1][0].then, "reply 429, limited:some");
    assert!((rolls[1][0].below - 20.0).abs() < 1e-9);
    let decisions: Vec<_> = seen.iter().map(|answer| answer.decision).collect();
    assert_eq!(decisions, [Outcome::Allow, Outcome::Allow, Outcome::Reply]);
}

#[test]
fn claims_are_declared_or_a_token_is_verified() {
    let policies = json!({
        "requestAuthentication": {"requireToken": true, "jwtRules": [{
            "issuer": "i", "jwks": "{\"keys\":[{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE\",\"kid\":\"a\",\"alg\":\"HS256\"}]}",
        }]},
        "authorizationPolicy": {"policies": [{"name": "p", "rules": [
            {"from": [{"source": {"requestPrincipals": ["*"]}}], "when": [{"key": "request.auth.claims[scope]", "values": ["read"]}]},
        ]}]},
    });
    let claims = json!({"iss": "any", "sub": "s", "scope": "write read"});
    let seen = answer(&policies, &json!({"url": "http://a/", "claims": claims}));
    assert_eq!(seen.decision, Outcome::Allow, "{seen:?}");
    let seen = answer(&policies, &json!({"url": "http://a/"}));
    assert_eq!(
        (seen.status, seen.by),
        (401, Some("request-authentication"))
    );
    // Made with the secret above: `{"iss":"i","sub":"s","scope":"write read"}` until 2026-01-01T01:00:00Z.
    let good = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImEifQ.eyJpc3MiOiJpIiwic3ViIjoicyIsInNjb3BlIjoid3JpdGUgcmVhZCIsImV4cCI6MTc2NzIyOTIwMH0.uKWBevf9ZZgk9vRx3-s3HJZoSJbwOzUbpHdWAc52Zg8";
    let seen = answer(&policies, &json!({"url": "http://a/", "jwt": good}));
    assert_eq!(seen.decision, Outcome::Allow, "{seen:?}");
    let late = json!({"url": "http://a/", "jwt": good, "at": "2026-01-01T02:00:00Z"});
    assert_eq!(answer(&policies, &late).status, 401);
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJpIiwic3ViIjoicyJ9.AAAA";
    let seen = answer(&policies, &json!({"url": "http://a/", "jwt": token}));
    assert_eq!((seen.decision, seen.status), (Outcome::Deny, 401));
    let told = serde_json::to_string(&seen).unwrap();
    assert!(!told.contains("eyJ") && !told.contains("AAAA"), "{told}");
}

#[test]
fn envoy_looks_at_the_path_and_the_proxies_first() {
    let policies = allow(&json!([
        {"to": [{"operation": {"paths": ["/open/*"]}}]},
        {"from": [{"source": {"remoteIpBlocks": ["192.0.2.7"]}}]},
    ]));
    let one = |options: Options, line: Value| answers(&policies, options, &[line]).remove(0);
    let merging = Options {
        normalization: Normalization::MergeSlashes,
        trusted_hops: 1,
        ..Options::default()
    };
    let line = json!({"url": "http://a//open//x"});
    assert_eq!(one(Options::default(), line.clone()).status, 403);
    let seen = one(merging, line);
    assert_eq!(
        (seen.status, seen.request.first(":path")),
        (200, Some("/open/x"))
    );
    let line = json!({"url": "http://a/", "headers": {"x-forwarded-for": "192.0.2.7"}, "fromIp": "10.0.0.1"});
    assert_eq!(one(Options::default(), line.clone()).status, 403);
    assert_eq!(one(merging, line).status, 200);
    let seen = one(merging, json!({"url": "http://a/%00"}));
    assert_eq!(
        (seen.status, seen.by, seen.reason.as_deref()),
        (400, Some("envoy"), Some("path_normalization_failed"))
    );
}

#[test]
fn a_grpc_client_is_answered_as_one() {
    let line = json!({"method": "POST", "url": "http://a/x", "headers": {"content-type": "application/grpc"}});
    let seen = answer(&allow(&json!([])), &line);
    assert_eq!(
        (seen.decision, seen.status, seen.grpc_status),
        (Outcome::Deny, 200, Some(7))
    );
}

#[test]
fn a_service_that_is_asked_is_not_there() {
    let policies = json!({"authorizationPolicy": {
        "extensionProviders": [{"name": "x", "envoyExtAuthzHttp": {"service": "auth.example", "port": 80}}],
        "policies": [{"name": "p", "action": "CUSTOM", "provider": {"name": "x"}, "rules": [{}]}],
    }});
    let seen = answer(&policies, &json!({"url": "http://a/"}));
    assert_eq!(seen.reason.as_deref(), Some("custom_error_deny:p.rules[0]"));
    assert!(seen.filters[0].unreachable.is_some());
}

#[test]
fn a_line_that_is_none_is_told_by_field() {
    let chain = chain(&allow(&json!([{}])));
    let mut session = Session::new(
        &chain,
        NOW,
        Options {
            roll: Some(Roll::new(0)),
            ..Options::default()
        },
    );
    for (line, problem) in [
        (json!({}), "`url` is missing"),
        (
            json!({"url": "/secret"}),
            "`url` must begin with `http://` or `https://`",
        ),
        (
            json!({"url": "http://a", "method": "a secret"}),
            "`method` is no method such as `GET`",
        ),
        (
            json!({"url": "http://a", "fromIp": "secret"}),
            "`fromIp` is no address such as `203.0.113.7` or `2001:db8::1`",
        ),
        (
            json!({"url": "http://a", "at": "secret"}),
            "`at` is no time such as `2026-11-21T10:00:00Z`, as RFC 3339 writes it",
        ),
        (
            json!({"url": "http://a", "roll": 101}),
            "`roll` is no roll between 0 and 100",
        ),
        (
            json!({"url": "http://a", "claims": "secret"}),
            "`claims` must be a mapping",
        ),
        (
            json!({"url": "http://a", "headers": {"a secret": "b"}}),
            "`headers` has a name that no header has",
        ),
        (
            json!({"url": "http://a", "headers": {"a": "se\r\ncret"}}),
            "`headers` has a value with a line break or a NUL, which no client can send",
        ),
    ] {
        let read = Line::parse(&line.to_string()).unwrap();
        assert_eq!(session.answer(&read).unwrap_err(), problem, "{line}");
    }
}

#[test]
fn of_some_headers_there_is_one_line() {
    let line = json!({"url": "http://a/", "headers": {
        "x-forwarded-for": ["192.0.2.1", "192.0.2.2"], "Via": "a", "via": "b", "cookie": ["a=1", "b=2"], "x-a": ["1", "2"],
        "x-odd": "\"\\\u{1}\té",
    }});
    let seen = answer(&allow(&json!([{}])), &line);
    let headers = serde_json::to_value(&seen.request).unwrap();
    let headers = &headers["headers"];
    assert_eq!(headers["x-forwarded-for"], "192.0.2.1,192.0.2.2");
    assert_eq!(headers["via"], "a,b");
    assert_eq!(headers["cookie"], json!(["a=***", "b=***"]));
    assert_eq!(headers["x-a"], json!(["1", "2"]));
    assert_eq!(headers["x-odd"], "\"\\\u{1}\té");
}
