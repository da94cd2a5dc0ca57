//! What each rule of each filter is to a request.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use explain::{Chain, Line, Options, Rules, Session};
use sdk_helpers::Timestamp;
use serde_json::{Value, json};

/// 2026-01-01T00:00:00Z.
const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

/// Of each line the rules of its answer.
fn rules(policies: &Value, lines: &[Value]) -> Vec<Value> {
    let filter = catalog::find("mesh-filters").unwrap();
    let chain = Chain::load(filter, policies, NOW, None).unwrap();
    let each = Rules::load(filter, policies, NOW);
    let options = Options {
        rules: true,
        ..Options::default()
    };
    let mut session = Session::new(&chain, NOW, options);
    let rules = lines.iter().map(|line| {
        let line = Line::parse(&line.to_string()).unwrap();
        let mut answer = session.answer(&line).unwrap();
        each.add_to(&mut answer, &line, options);
        let mut written = String::new();
        answer.write_json(&mut written);
        assert_eq!(written, serde_json::to_string(&answer).unwrap());
        serde_json::to_value(answer.rules).unwrap()
    });
    rules.collect()
}

#[test]
fn each_token_rule_says_where_it_looks_and_what_it_found() {
    let keys = "{\"keys\":[{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE\",\"kid\":\"a\",\"alg\":\"HS256\"}]}";
    let policies = json!({"requestAuthentication": {"jwtRules": [
        {"name": "mine", "issuer": "i", "jwks": keys},
        {"name": "other", "issuer": "o", "jwks": keys, "fromHeaders": [{"name": "x-pass", "prefix": "Pass "}], "fromParams": ["ticket"]},
    ]}});
    // Made with the secret above: `{"iss":"i","sub":"s","scope":"write read"}` until 2026-01-01T01:00:00Z.
    let token = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImEifQ.eyJpc3MiOiJpIiwic3ViIjoicyIsInNjb3BlIjoid3JpdGUgcmVhZCIsImV4cCI6MTc2NzIyOTIwMH0.uKWBevf9ZZgk9vRx3-s3HJZoSJbwOzUbpHdWAc52Zg8";
    let said = |matches: bool, outcome: &str, found: Option<&str>| {
        let mut said = json!({
            "filter": "request-authentication", "rule": "mine", "matches": matches, "issuer": "i",
            "looksAt": "header authorization after \"Bearer \", query access_token",
        });
        said.as_object_mut()
            .unwrap()
            .extend(found.map(|found| ("found".to_owned(), found.into())));
        said["outcome"] = outcome.into();
        said
    };
    let other = |outcome: &str, found: Option<&str>| {
        let mut said = said(false, outcome, found);
        said["rule"] = "other".into();
        said["issuer"] = "o".into();
        said["looksAt"] = "header x-pass after \"Pass \", query ticket".into();
        said
    };
    let header = Some("header authorization");
    let late = "2026-01-01T02:00:00Z";
    let url = format!("http://a/?ticket={token}");
    let seen = rules(
        &policies,
        &[
            json!({"url": "http://a/"}),
            json!({"url": "http://a/", "jwt": token}),
            json!({"url": url}),
            json!({"url": "http://a/", "jwt": token, "at": late}),
        ],
    );
    assert_eq!(
        seen[0],
        json!([said(false, "no token", None), other("no token", None)])
    );
    assert_eq!(
        seen[1],
        json!([said(true, "verified", header), other("no token", None)])
    );
    let query = Some("query ticket");
    assert_eq!(
        seen[2],
        json!([said(false, "no token", None), other("issuer", query)])
    );
    assert_eq!(
        seen[3],
        json!([said(false, "expired", header), other("no token", None)])
    );
}

#[test]
fn each_limit_says_its_key_and_what_is_left() {
    let policies = json!({"rateLimit": {"limits": [
        {"name": "user", "requests": 2, "per": "1m", "key": [{"header": "x-user"}]},
        {"name": "pass", "requests": 9, "per": "1s", "key": [{"cookie": "sid"}], "shadow": true},
        {"name": "posts", "requests": 1, "per": "1h", "match": [{"method": {"exact": "POST"}}]},
    ]}});
    let line =
        json!({"url": "http://a/", "headers": {"x-user": "alice", "cookie": "sid=12345678"}});
    let seen = rules(&policies, &vec![line; 3]);
    let of_user = |left: u64, full: u64, outcome: &str| {
        json!({
            "filter": "rate-limit", "rule": "user", "matches": true, "key": {"header x-user": "alice"}, "quota": "2 in 60s",
            "cost": 1, "left": left, "fullInSeconds": full, "outcome": outcome,
        })
    };
    assert_eq!(seen[0][0], of_user(1, 30, "admitted"));
    assert_eq!(seen[1][0], of_user(0, 60, "admitted"));
    // Counted once a request, however often it is told.
    assert_eq!(seen[2][0], of_user(0, 60, "limited"));
    let shadow = &seen[0][1];
    assert_eq!(shadow["key"], json!({"cookie sid": "***"}));
    assert_eq!(shadow["left"], 8);
    assert_eq!(
        shadow["enforced"],
        "never: what it would refuse is counted alone"
    );
    let posts = json!({"filter": "rate-limit", "rule": "posts", "matches": false});
    assert_eq!(seen[0][2], posts);
}

#[test]
fn each_fault_says_whether_it_matches_and_how_often_it_fires() {
    let policies = json!({"faultInjection": {"http": [
        {"match": [{"uri": {"prefix": "/a"}}], "fault": {"delay": {"fixedDelay": "5s", "percentage": {"value": 12.5}}}},
        {"name": "all", "fault": {"abort": {"httpStatus": 503, "percentage": {"value": 10}}}},
    ]}});
    let lines = [json!({"url": "http://a/a"}), json!({"url": "http://a/b"})];
    let seen = rules(&policies, &lines);
    let delay = "5s for 12.5 % of requests";
    let abort = "503 for 10 % of requests";
    assert_eq!(
        seen[0],
        json!([
            {"filter": "fault-injection", "rule": "http-0", "matches": true, "delay": delay},
            {"filter": "fault-injection", "rule": "all", "matches": true,
                "passedOver": "an earlier entry matches too, and the first counts", "abort": abort},
        ])
    );
    assert_eq!(
        seen[1],
        json!([
            {"filter": "fault-injection", "rule": "http-0", "matches": false, "delay": delay},
            {"filter": "fault-injection", "rule": "all", "matches": true, "abort": abort},
        ])
    );
}

#[test]
fn each_tag_says_where_it_comes_from_also_where_the_request_was_denied() {
    let policies = json!({
        "authorizationPolicy": {"policies": [{"name": "p", "rules": [{"to": [{"operation": {"paths": ["/a"]}}]}]}]},
        "telemetryTags": {"reporter": "destination", "tags": [
            {"name": "plan", "header": {"name": "x-plan"}},
            {"name": "code", "expression": "response.code"},
        ]},
    });
    let headers = json!({"x-plan": "gold"});
    let lines = [
        json!({"url": "http://a/a", "headers": headers}),
        json!({"url": "http://a/b"}),
    ];
    let seen = rules(&policies, &lines);
    let plan = json!({"filter": "telemetry-tags", "rule": "plan", "matches": true, "from": "header x-plan",
        "set": "with the request", "value": "gold"});
    assert_eq!(seen[0][0]["filter"], "authorization-policy");
    assert_eq!(seen[0][1], plan);
    assert_eq!(seen[0][2]["value"], "200");
    assert_eq!(seen[1][0]["failed"]["seen"], "/b");
    assert_eq!(seen[1][1]["matches"], false);
    assert_eq!(seen[1][2]["value"], "403");
}
