use explain::{Arrived, Outcome};
use serde_json::json;

use super::*;

fn read(tree: &Value) -> Policies {
    Policies::read(tree).unwrap()
}

fn outcome(policies: &Policies, missing: &[Field], permissive: bool) -> (Outcome, String) {
    let assumption = Assumption {
        missing,
        permissive,
    };
    let mut judge = policies.judge(Some(&assumption)).unwrap();
    let arrived = Arrived {
        method: "GET",
        path: "/a",
        authority: "a.example",
        port: 80,
        ..Arrived::default()
    };
    let judged = judge.judge(&arrived, false).unwrap();
    (judged.outcome, judged.reason)
}

#[test]
fn policies_are_found_in_every_form() {
    let spec = json!({"rules": [{"to": [{"operation": {"paths": ["/a"]}}]}]});
    let named = json!({"name": "a", "rules": spec["rules"]});
    let object = json!({"kind": "AuthorizationPolicy", "metadata": {"name": "a"}, "spec": spec});
    for tree in [
        json!({"authorizationPolicy": {"policies": [named]}}),
        json!({"authorizationPolicy": {"policies": [object]}}),
        json!({"authorizationPolicy": object}),
        json!({"authorizationPolicy": {"kind": "List", "items": [object]}}),
        json!({"resources": [{"kind": "Telemetry"}, object]}),
    ] {
        let policies = read(&tree);
        assert_eq!(policies.policies.len(), 1, "{tree}");
        assert_eq!(
            policies.needs(),
            [Need {
                field: Field::Path,
                conditions: vec!["a.rules[0].to[0].operation.paths".to_owned()]
            }]
        );
    }
    // An object with an empty spec allows nobody.
    let nobody = json!({"resources": [{"kind": "AuthorizationPolicy", "metadata": {"name": "a"}, "spec": {}}]});
    assert_eq!(outcome(&read(&nobody), &[], true).0, Outcome::Deny);
}

#[test]
fn what_decides_nothing_needs_nothing() {
    let rules = json!([{"when": [{"key": "request.headers[x-a]", "values": ["1"]}]}]);
    let tree = json!({
        "resources": [
            {"kind": "AuthorizationPolicy", "metadata": {"name": "a", "annotations": {"istio.io/dry-run": "true"}}, "spec": {"rules": rules}},
            {"kind": "AuthorizationPolicy", "metadata": {"name": "b"}, "spec": {"action": "AUDIT", "rules": rules}},
            {"kind": "RequestAuthentication", "metadata": {"name": "c"}, "spec": {}},
        ],
        "rateLimit": {"limits": []},
    });
    let policies = read(&tree);
    assert!(policies.is_empty());
    assert_eq!(policies.needs(), []);
    assert_eq!(
        policies.passed_over(),
        ["rate limits", "the verification of tokens"]
    );
    assert_eq!(outcome(&policies, &[], false).0, Outcome::Allow);
}

#[test]
fn every_condition_says_what_it_asks_for() {
    let tree = json!({"authorizationPolicy": {"policies": [{"name": "a", "rules": [{
        "from": [{"source": {"principals": ["a"], "not_request_principals": ["b"], "remoteIpBlocks": []}},
                 {"source": {"notIpBlocks": ["10.0.0.0/8"]}}],
        "to": [{"operation": {"hosts": ["a"], "not_methods": ["GET"], "ports": ["80"]}}],
        "when": [{"key": "request.headers[X-Plan]", "values": ["a"]}, {"key": "request.auth.claims[a][b]", "values": ["a"]},
                 {"key": "connection.sni", "values": ["a"]}, {"key": "remote.ip", "values": ["10.0.0.1"]},
                 {"key": "experimental.envoy.filters.a[b]", "values": ["a"]}],
    }]}]}});
    let policies = read(&tree);
    let names = policies.needs().iter().map(|need| need.field.to_string());
    let names: Vec<String> = names.collect();
    assert_eq!(
        names,
        [
            "method",
            "authority",
            "downstream_peer_uri_san",
            "downstream_remote_address",
            "downstream_direct_remote_address",
            "downstream_local_address",
            "requested_server_name",
            "request_headers.x-plan",
            "claims",
            "`experimental.envoy.filters.a[b]`, which no log has",
        ]
    );
    let claims = &policies.needs()[8];
    assert_eq!(
        claims.conditions,
        [
            "a.rules[0].from[0].source.not_request_principals",
            "a.rules[0].when[1]"
        ]
    );
}

#[test]
fn what_is_missing_lets_pass_or_does_not() {
    let header = Field::Header("x-plan".to_owned());
    let when = json!([{"key": "request.headers[x-plan]", "values": ["gold"]}]);
    let tree = |action: &str| {
        json!({"authorizationPolicy": {"policies": [
            {"name": "a", "action": action, "rules": [
                {"to": [{"operation": {"paths": ["/other"]}}]},
                {"to": [{"operation": {"paths": ["/a"]}}], "when": when},
            ]},
        ]}})
    };
    let allow = read(&tree("ALLOW"));
    let missing = [header];
    assert_eq!(
        outcome(&allow, &missing, true),
        (Outcome::Allow, "allow:a.rules[1]".to_owned())
    );
    assert_eq!(
        outcome(&allow, &missing, false),
        (
            Outcome::Deny,
            "no_allow:a.rules[1].when[0].values".to_owned()
        )
    );
    let deny = read(&tree("DENY"));
    assert_eq!(outcome(&deny, &missing, true).0, Outcome::Allow);
    assert_eq!(
        outcome(&deny, &missing, false),
        (Outcome::Deny, "deny:a.rules[1]".to_owned())
    );
}

#[test]
fn a_source_of_which_nothing_is_left_is_anybody() {
    let tree = |action: &str| {
        json!({"authorizationPolicy": {"policies": [{"name": "a", "action": action, "rules": [
            {"from": [{"source": {"principals": ["x/ns/a/sa/b"]}}, {"source": {"remoteIpBlocks": ["10.0.0.0/8"]}}]},
        ]}]}})
    };
    let peer = [Field::Peer];
    let both = [Field::Peer, Field::Client];
    let allow = read(&tree("ALLOW"));
    assert_eq!(outcome(&allow, &peer, true).0, Outcome::Allow);
    assert_eq!(outcome(&allow, &both, true).0, Outcome::Allow);
    assert_eq!(outcome(&allow, &peer, false).0, Outcome::Deny);
    let deny = read(&tree("DENY"));
    assert_eq!(outcome(&deny, &peer, true).0, Outcome::Allow);
    assert_eq!(outcome(&deny, &both, false).0, Outcome::Deny);
}

#[test]
fn a_provider_may_say_anything() {
    let tree = json!({"authorizationPolicy": {
        "extensionProviders": [{"name": "login", "envoyExtAuthzHttp": {"service": "login.example", "port": 80}}],
        "policies": [{"name": "a", "action": "CUSTOM", "provider": {"name": "login"},
            "rules": [{"to": [{"operation": {"paths": ["/a"]}}]}]}],
    }});
    let policies = read(&tree);
    let missing = [Field::Provider("login".to_owned())];
    assert_eq!(policies.needs()[1].field, missing[0]);
    assert_eq!(outcome(&policies, &missing, true).0, Outcome::Allow);
    assert_eq!(outcome(&policies, &missing, false).0, Outcome::Deny);
}
