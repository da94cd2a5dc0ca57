//! Envoy's RBAC as AuthorizationPolicies.

use crate::common::{converted, is_taken, refused};
use serde_json::{Value, json};

/// RBAC with one policy.
fn rbac(action: &str, permission: &Value, principal: &Value) -> Value {
    json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
        "rules": {"action": action, "policies": {"p": {"permissions": [permission], "principals": [principal]}}},
    })
}

fn any() -> Value {
    json!({"any": true})
}

/// The rules that a permission and a principal are, and what is lost of them.
#[track_caller]
fn rules(action: &str, permission: &Value, principal: &Value) -> (Value, Vec<String>) {
    let mut native = converted(&rbac(action, permission, principal).to_string());
    let losses = native.losses.iter().map(|loss| loss.what.clone()).collect();
    let mut policies = native.tree["authorizationPolicy"]["policies"].take();
    (policies[0]["rules"].take(), losses)
}

#[track_caller]
fn allowed(permission: &Value) -> Value {
    let (rules, losses) = rules("ALLOW", permission, &any());
    assert_eq!(losses, Vec::<String>::new());
    rules
}

#[test]
fn matchers_are_lists_and_conditions() {
    let header = |matcher: Value| {
        let mut header = json!({"name": "X-Plan"});
        header
            .as_object_mut()
            .unwrap()
            .extend(matcher.as_object().unwrap().clone());
        json!({"header": header})
    };
    let when =
        |key: &str, field: &str, value: &str| json!([{"when": [{"key": key, field: [value]}]}]);
    let plan = "request.headers[x-plan]";
    for (permission, expected) in [
        (any(), json!([{}])),
        (
            json!({"url_path": {"path": {"prefix": "/api/"}}}),
            json!([{"to": [{"operation": {"paths": ["/api/*"]}}]}]),
        ),
        (
            json!({"url_path": {"path": {"suffix": ".html"}}}),
            json!([{"to": [{"operation": {"paths": ["*.html"]}}]}]),
        ),
        (
            json!({"header": {"name": ":method", "string_match": {"exact": "GET"}}}),
            json!([{"to": [{"operation": {"methods": ["GET"]}}]}]),
        ),
        (
            json!({"header": {"name": ":authority", "string_match": {"exact": "a.example", "ignore_case": true}}}),
            json!([{"to": [{"operation": {"hosts": ["a.example"]}}]}]),
        ),
        (
            json!({"header": {"name": ":authority", "exact_match": "a.example"}}),
            when("request.headers[:authority]", "values", "a.example"),
        ),
        (
            json!({"destination_port": 8080}),
            json!([{"to": [{"operation": {"ports": ["8080"]}}]}]),
        ),
        (
            json!({"destination_port_range": {"start": 80, "end": 82}}),
            json!([{"to": [{"operation": {"ports": ["80", "81"]}}]}]),
        ),
        (
            json!({"destination_ip": {"address_prefix": "10.1.2.3", "prefix_len": 8}}),
            when("destination.ip", "values", "10.0.0.0/8"),
        ),
        (
            json!({"requested_server_name": {"exact": "a.example"}}),
            when("connection.sni", "values", "a.example"),
        ),
        (
            json!({"uri_template": {"name": "t", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
                "path_template": "/orders/*/items/**",
            }}}),
            json!([{"to": [{"operation": {"paths": ["/orders/{*}/items/{**}"]}}]}]),
        ),
        (
            header(json!({"string_match": {"prefix": "go"}})),
            when(plan, "values", "go*"),
        ),
        (
            header(json!({"present_match": true})),
            when(plan, "values", "*"),
        ),
        (header(json!({})), when(plan, "values", "*")),
        (
            header(json!({"present_match": false})),
            when(plan, "notValues", "*"),
        ),
        (
            header(json!({"present_match": true, "invert_match": true})),
            when(plan, "notValues", "*"),
        ),
        (
            // Without the header an inverted matcher does not match either.
            header(json!({"string_match": {"exact": "gold"}, "invert_match": true})),
            json!([{"when": [{"key": plan, "values": ["*"]}, {"key": plan, "notValues": ["gold"]}]}]),
        ),
        (
            header(
                json!({"string_match": {"exact": "gold"}, "invert_match": true, "treat_missing_header_as_empty": true}),
            ),
            when(plan, "notValues", "gold"),
        ),
        (
            json!({"metadata": {"filter": "envoy.filters.http.test", "path": [{"key": "k"}], "value": {"string_match": {"exact": "v"}}}}),
            when("experimental.envoy.filters.http.test[k]", "values", "v"),
        ),
        (
            json!({"metadata": {"filter": "envoy.filters.http.test", "path": [{"key": "k"}], "invert": true,
                "value": {"list_match": {"one_of": {"string_match": {"exact": "v"}}}}}}),
            when(
                "experimental.envoy.filters.http.test[k]",
                "notValues",
                "[v]",
            ),
        ),
    ] {
        assert_eq!(allowed(&permission), expected, "{permission}");
    }
}

#[test]
fn nesting_is_written_out() {
    let path = |path: &str| json!({"url_path": {"path": {"exact": path}}});
    let method =
        |method: &str| json!({"header": {"name": ":method", "string_match": {"exact": method}}});
    let and = |rules: Value| json!({"and_rules": {"rules": rules}});
    let or = |rules: Value| json!({"or_rules": {"rules": rules}});
    let not = |rule: Value| json!({"not_rule": rule});
    let operations = |list: Value| {
        let all = list.as_array().unwrap().iter();
        let all: Vec<Value> = all.map(|one| json!({"operation": one})).collect();
        json!([{"to": all}])
    };
    for (permission, expected) in [
        (
            or(json!([path("/a"), path("/b")])),
            operations(json!([{"paths": ["/a", "/b"]}])),
        ),
        (
            and(json!([
                or(json!([path("/a"), path("/b")])),
                not(or(json!([method("PUT"), method("POST")])))
            ])),
            operations(json!([{"paths": ["/a", "/b"], "notMethods": ["PUT", "POST"]}])),
        ),
        (
            or(json!([
                and(json!([path("/a"), method("GET")])),
                and(json!([path("/b"), method("PUT")]))
            ])),
            operations(
                json!([{"paths": ["/a"], "methods": ["GET"]}, {"paths": ["/b"], "methods": ["PUT"]}]),
            ),
        ),
        // Not both is not the one, or not the other.
        (
            not(and(json!([path("/a"), method("GET")]))),
            operations(json!([{"notPaths": ["/a"]}, {"notMethods": ["GET"]}])),
        ),
        (not(not(path("/a"))), operations(json!([{"paths": ["/a"]}]))),
        // Two conditions on one path are what both take.
        (
            and(
                json!([{"url_path": {"path": {"prefix": "/a"}}}, or(json!([path("/a/b"), path("/c")]))]),
            ),
            operations(json!([{"paths": ["/a/b"]}])),
        ),
    ] {
        assert_eq!(allowed(&permission), expected, "{permission}");
    }
    // What no request is, is no rule.
    let (rules, losses) = rules("ALLOW", &and(json!([path("/a"), path("/b")])), &any());
    assert_eq!((rules, losses), (json!(null), vec![]));
}

#[test]
fn what_istiod_writes_comes_back_as_it_was() {
    let peer = |matcher: Value| json!({"authenticated": {"principal_name": matcher}});
    let regex = |regex: &str| peer(json!({"safe_regex": {"regex": regex}}));
    let claim = |path: &[&str], value: Value| {
        let path: Vec<Value> = path.iter().map(|key| json!({"key": key})).collect();
        json!({"metadata": {"filter": "envoy.filters.http.jwt_authn", "path": path, "value": value}})
    };
    let either = json!({"or_match": {"value_matchers": [
        {"list_match": {"one_of": {"string_match": {"exact": "admin"}}}}, {"string_match": {"exact": "admin"}},
    ]}});
    let source = |list: &str, value: &str| json!([{"from": [{"source": {list: [value]}}]}]);
    for (principal, expected) in [
        (
            peer(json!({"exact": "spiffe://td/ns/a/sa/b"})),
            source("principals", "td/ns/a/sa/b"),
        ),
        (
            peer(json!({"prefix": "spiffe://td/ns/a/"})),
            source("principals", "td/ns/a/*"),
        ),
        (
            peer(json!({"prefix": "spiffe://"})),
            source("trustDomains", "*"),
        ),
        (regex(".+"), source("principals", "*")),
        (
            regex("spiffe://.*\\/sa\\/b"),
            source("principals", "*/sa/b"),
        ),
        (regex(".*/ns/shop\\-.*/.*"), source("namespaces", "shop-*")),
        (
            regex("spiffe://.+/ns/shop/(.+/|)sa/web(/.+)?"),
            source("serviceAccounts", "shop/web"),
        ),
        (
            regex("spiffe://td\\.[^/]*/.*"),
            source("trustDomains", "td.*"),
        ),
        (
            json!({"remote_ip": {"address_prefix": "10.0.0.0", "prefix_len": 8}}),
            source("remoteIpBlocks", "10.0.0.0/8"),
        ),
        (
            json!({"direct_remote_ip": {"address_prefix": "10.0.0.7", "prefix_len": 32}}),
            source("ipBlocks", "10.0.0.7/32"),
        ),
        (
            claim(&["payload", "realm", "roles"], either.clone()),
            json!([{"when": [{"key": "request.auth.claims[realm][roles]", "values": ["admin"]}]}]),
        ),
        (
            claim(
                &["payload", "iss"],
                json!({"string_match": {"exact": "me"}}),
            ),
            json!([{"when": [{"key": "request.auth.claims[iss]", "values": ["me"]}]}]),
        ),
        (
            json!({"and_ids": {"ids": [peer(json!({"exact": "spiffe://td/a"})), {"not_id": claim(&["payload", "aud"], either)}]}}),
            json!([{
                "from": [{"source": {"principals": ["td/a"]}}],
                "when": [{"key": "request.auth.claims[aud]", "notValues": ["admin"]}],
            }]),
        ),
    ] {
        let (rules, _) = rules("ALLOW", &any(), &principal);
        assert_eq!(rules, expected, "{principal}");
    }
}

#[test]
fn what_has_no_word_lets_less_pass() {
    let contains = json!({"header": {"name": "x", "string_match": {"contains": "y"}}});
    let path = json!({"url_path": {"path": {"exact": "/a"}}});
    let not = json!({"not_rule": contains});
    let either = json!({"or_rules": {"rules": [contains, path]}});
    let both = json!({"and_rules": {"rules": [contains, path]}});
    let only_path = json!([{"to": [{"operation": {"paths": ["/a"]}}]}]);
    for (permission, allows, denies) in [
        (&contains, json!(null), json!([{}])),
        (&not, json!(null), json!([{}])),
        (&either, only_path.clone(), json!([{}])),
        (&both, json!(null), only_path.clone()),
    ] {
        for (action, expected) in [("ALLOW", allows), ("DENY", denies)] {
            let (rules, losses) = rules(action, permission, &any());
            assert_eq!(rules, expected, "{action} {permission}");
            assert_eq!(
                losses,
                ["this matcher of header `x` has no word in a policy"]
            );
        }
    }
    // Of texts and lists a claim's condition takes both, Envoy's the text alone.
    let claim = json!({"metadata": {
        "filter": "envoy.filters.http.jwt_authn", "path": [{"key": "payload"}, {"key": "groups"}],
        "value": {"string_match": {"exact": "a"}},
    }});
    assert_eq!(rules("ALLOW", &any(), &claim).0, json!(null));
    for principal in [
        json!({"authenticated": {}}),
        json!({"authenticated": {"principal_name": {"exact": "client.example"}}}),
        json!({"filter_state": {"key": "k", "string_match": {"exact": "v"}}}),
    ] {
        assert_eq!(
            rules("ALLOW", &any(), &principal).0,
            json!(null),
            "{principal}"
        );
        assert_eq!(
            rules("DENY", &any(), &principal).0,
            json!([{}]),
            "{principal}"
        );
    }
    let values: Value = json!({"and_rules": {"rules": [
        {"url_path": {"path": {"prefix": "/a"}}}, {"url_path": {"path": {"suffix": "z"}}},
    ]}});
    assert_eq!(rules("ALLOW", &values, &any()).0, json!(null));
    assert_eq!(
        rules("DENY", &values, &any()).0,
        json!([{"to": [{"operation": {"paths": ["/a*"]}}]}])
    );
}

#[test]
fn names_actions_and_dry_runs() {
    let policy = json!({"permissions": [any()], "principals": [any()]});
    let native = converted(&json!([
        {"name": "envoy.filters.http.rbac", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            "rules": {"action": "DENY", "policies": {
                "ns[shop]-policy[viewer]-rule[0]": policy, "ns[shop]-policy[viewer]-rule[1]": policy, "a b": policy, "a?b": policy,
            }},
            "shadow_rules": {"policies": {}},
        }},
        {"name": "envoy.filters.http.router", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}},
    ]).to_string());
    assert_eq!(
        native.tree["authorizationPolicy"]["policies"],
        json!([
            {"name": "a-b", "action": "DENY", "rules": [{}]},
            {"name": "a-b-2", "action": "DENY", "rules": [{}]},
            {"name": "viewer", "namespace": "shop", "action": "DENY", "rules": [{}, {}]},
            {"name": "allow-nothing", "action": "ALLOW", "dryRun": true},
        ])
    );
    assert_eq!(native.losses, []);
    is_taken(&native.tree);
}

#[test]
fn what_would_let_more_pass_is_refused() {
    let filter = rbac("ALLOW", &any(), &any());
    let problem = |value: &Value| refused(&value.to_string()).join("\n");
    let mut matcher = filter.clone();
    matcher["matcher"] = json!({"on_no_match": {}});
    assert!(problem(&matcher).contains("matcher: a tree of matchers is not read"));
    let mut unknown = filter.clone();
    unknown["tomorrow"] = json!({});
    assert!(problem(&unknown).contains("tomorrow: is not known here"));
    assert!(
        problem(&rbac("ALLOW", &json!({"tomorrow": 1}), &any()))
            .contains("tomorrow: is not known here")
    );
    let two = json!([
        {"name": "a", "typed_config": filter.clone()}, {"name": "b", "typed_config": filter.clone()},
    ]);
    assert!(
        problem(&two).contains("is a second filter that allows"),
        "{}",
        problem(&two)
    );
    let route = json!({"name": "r", "match": {"prefix": "/"}, "typed_per_filter_config": {"envoy.filters.http.rbac": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute", "rbac": {"rules": {}},
    }}});
    assert!(problem(&route).contains("policies for some routes alone are not converted"));
    // Ten choices of two are a thousand alternatives.
    let header = |index: u32, half: u32| json!({"header": {"name": format!("h{index}-{half}"), "present_match": true}});
    let choices: Vec<Value> = (0..10)
        .map(|index| json!({"or_rules": {"rules": [header(index, 0), header(index, 1)]}}))
        .collect();
    let many = rbac("ALLOW", &json!({"and_rules": {"rules": choices}}), &any());
    assert!(
        problem(&many).contains("would be more than 256 rules"),
        "{}",
        problem(&many)
    );
}
