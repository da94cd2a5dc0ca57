use super::*;

fn one(policy: &str) -> Value {
    let text = format!("{{policies: [{{name: p, namespace: ns, {policy}}}]}}");
    let config: Value = serde_saphyr::from_str(&text).unwrap();
    let filters = filters(&config).unwrap();
    assert_eq!(filters.len(), 1);
    filters[0].clone()
}

fn first(policy: &str) -> Value {
    one(policy)["rules"]["policies"]["ns[ns]-policy[p]-rule[0]"].clone()
}

fn name(matcher: Value) -> Value {
    json!({"authenticated": {"principal_name": matcher}})
}

#[test]
fn each_action_has_a_filter_and_they_stand_in_istios_order() {
    let config = json!({"policies": [
        {"name": "c", "namespace": "n"},
        {"name": "b", "namespace": "n", "action": "DENY", "rules": [{}]},
        {"name": "a", "namespace": "n", "action": "AUDIT", "rules": [{}]},
        {"name": "d", "namespace": "n", "action": "DENY", "rules": [{}], "dryRun": true},
    ]});
    let filters = filters(&config).unwrap();
    let actions: Vec<&Value> = filters.iter().map(|f| &f["rules"]["action"]).collect();
    assert_eq!(actions, ["LOG", "DENY", "ALLOW"]);
    let names = |rules: &Value| -> Vec<String> {
        rules["policies"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    assert_eq!(names(&filters[1]["rules"]), ["ns[n]-policy[b]-rule[0]"]);
    assert_eq!(
        names(&filters[1]["shadow_rules"]),
        ["ns[n]-policy[d]-rule[0]"]
    );
    assert_eq!(
        filters[1]["shadow_rules_stat_prefix"],
        "istio_dry_run_deny_"
    );
    let never = &filters[2]["rules"]["policies"]["ns[n]-policy[c]-rule[0]"];
    assert_eq!(never["permissions"], json!([{"not_rule": {"any": true}}]));
}

#[test]
fn a_dry_run_alone_enforces_nothing() {
    let filter = one("dryRun: true, rules: [{}]");
    assert_eq!(filter.get("rules"), None);
    assert_eq!(filter["shadow_rules"]["action"], "ALLOW");
}

#[test]
fn when_stands_in_every_branch() {
    let policy = first(
        "rules: [{from: [{source: {ipBlocks: [10.0.0.0/8]}}, {source: {namespaces: [a*b]}}], \
         to: [{operation: {methods: [GET]}}, {operation: {notPaths: ['/x*']}}], \
         when: [{key: destination.port, values: ['80']}, {key: 'request.headers[x]', notValues: ['*']}]}]",
    );
    let port = json!({"or_rules": {"rules": [{"destination_port": 80}]}});
    let header =
        json!({"not_id": {"or_ids": {"ids": [{"header": {"name": "x", "present_match": true}}]}}});
    let method = json!({"header": {"name": ":method", "string_match": {"exact": "GET"}}});
    assert_eq!(
        policy["permissions"],
        json!([
            {"and_rules": {"rules": [{"or_rules": {"rules": [method]}}, port]}},
            {"and_rules": {"rules": [
                {"not_rule": {"or_rules": {"rules": [{"url_path": {"path": {"prefix": "/x"}}}]}}},
                port,
            ]}},
        ])
    );
    let ip = json!({"direct_remote_ip": {"address_prefix": "10.0.0.0", "prefix_len": 8}});
    let namespace = name(json!({"safe_regex": {"regex": ".*/ns/a.*b/.*"}}));
    assert_eq!(
        policy["principals"],
        json!([
            {"and_ids": {"ids": [{"or_ids": {"ids": [ip]}}, header]}},
            {"and_ids": {"ids": [{"or_ids": {"ids": [namespace]}}, header]}},
        ])
    );
    let any = first("rules: [{}]");
    assert_eq!(
        any["permissions"],
        json!([{"and_rules": {"rules": [{"any": true}]}}])
    );
    assert_eq!(
        any["principals"],
        json!([{"and_ids": {"ids": [{"any": true}]}}])
    );
}

#[test]
fn request_principals_are_split_at_the_last_slash() {
    let any = || json!({"safe_regex": {"regex": ".+"}});
    let exact = |text: &str| json!({"exact": text});
    for (value, issuer, subject) in [
        ("*", any(), any()),
        ("*/sub", any(), exact("sub")),
        ("*uf/sub", json!({"suffix": "uf"}), exact("sub")),
        ("*suf", any(), json!({"suffix": "suf"})),
        (
            "https://iss/pre*",
            exact("https://iss"),
            json!({"prefix": "pre"}),
        ),
        ("iss/*", exact("iss"), any()),
        ("pre*", json!({"prefix": "pre"}), any()),
        ("https://iss/sub", exact("https://iss"), exact("sub")),
        ("foo", exact("foo"), exact("")),
        ("*a/b*", json!({"suffix": "a"}), exact("b*")),
    ] {
        let made = principals::request_principal(value);
        let matchers: Vec<&Value> = made["and_ids"]["ids"]
            .as_array()
            .unwrap()
            .iter()
            .map(|id| &id["metadata"]["value"]["string_match"])
            .collect();
        assert_eq!(matchers, [&issuer, &subject], "{value}");
    }
}

#[test]
fn a_claim_is_a_text_or_a_list_that_holds_it() {
    let principal = first("rules: [{when: [{key: 'request.auth.claims[a][b.c]', values: [v]}]}]");
    let value = json!({"string_match": {"exact": "v"}});
    let matcher = json!({"metadata": {
        "filter": "envoy.filters.http.jwt_authn",
        "path": [{"key": "payload"}, {"key": "a"}, {"key": "b.c"}],
        "value": {"or_match": {"value_matchers": [{"list_match": {"one_of": value}}, value]}},
    }});
    assert_eq!(
        principal["principals"],
        json!([{"and_ids": {"ids": [matcher]}}])
    );
}

#[test]
fn trust_domains_go_by_all_their_names() {
    let domains = Domains::new(
        "td1".to_owned(),
        vec!["td2".to_owned(), "old-td".to_owned()],
    );
    let names = |value: &str| domains.principals(&[value.to_owned()]);
    let all = ["td1/ns/a/sa/b", "td2/ns/a/sa/b", "old-td/ns/a/sa/b"];
    for value in [
        "td1/ns/a/sa/b",
        "old-td/ns/a/sa/b",
        "cluster.local/ns/a/sa/b",
    ] {
        assert_eq!(names(value), all, "{value}");
    }
    assert_eq!(
        names("*-td/ns/a/sa/b"),
        ["td1/ns/a/sa/b", "td2/ns/a/sa/b", "*-td/ns/a/sa/b"]
    );
    for kept in ["*", "*/ns/a/sa/b", "other/ns/a/sa/b", "td1/ns/a", "sa/b"] {
        assert_eq!(names(kept), [kept]);
    }
    assert_eq!(
        domains.expanded(&["td2".to_owned(), "x".to_owned()]),
        ["td1", "td2", "old-td", "x"]
    );
}

#[test]
fn what_istiod_would_leave_out_is_an_error() {
    for rule in [
        "when: [{key: 'request.headers[', values: [a]}]",
        "when: [{key: source.labels, values: [a]}]",
        "from: [{source: {ipBlocks: [10.0.0.0/33]}}]",
        "to: [{operation: {ports: ['+80']}}]",
        "to: [{operation: {path: [/]}}]",
    ] {
        let text = format!("{{policies: [{{name: p, namespace: ns, rules: [{{{rule}}}]}}]}}");
        let config: Value = serde_saphyr::from_str(&text).unwrap();
        assert!(filters(&config).is_err(), "{rule}");
    }
}
