//! `mesh-filters test --init`, run as people run it.

use std::fs;
use std::path::Path;

use crate::harness::{ended, run, text};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

const POLICIES: &str = r#"
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: orders, namespace: shop}
spec:
  selector: {matchLabels: {app: orders}}
  action: DENY
  rules:
  - to: [{operation: {methods: [DELETE], paths: ["/orders/*"]}}]
  - from: [{source: {principals: ["cluster.local/ns/shop/sa/batch"]}}]
    when: [{key: "request.headers[x-plan]", values: [gold]}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: readers, namespace: shop}
spec:
  rules:
  - from: [{source: {requestPrincipals: ["https://issuer.example/*"]}}]
    when: [{key: "request.auth.claims[groups]", values: [readers]}]
  - to: [{operation: {hosts: ["*.open.example"]}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: orders, namespace: shop}
spec:
  hosts: [orders]
  http:
  - name: chaos
    match: [{uri: {prefix: /orders}, headers: {x-chaos: {exact: abort}}}]
    fault: {abort: {percentage: {value: 10}, httpStatus: 503}}
    route: [{destination: {host: orders}}]
"#;

fn folder(policies: &str) -> TempDir {
    let folder = tempdir().unwrap();
    fs::create_dir(folder.path().join("policies")).unwrap();
    fs::write(folder.path().join("policies/orders.yaml"), policies).unwrap();
    folder
}

/// What the written file's cases are called, and how many rules they reach.
fn tested(folder: &Path, path: &str) -> (Vec<String>, Value) {
    let output = run(folder, &["test", path, "--coverage", "--format", "json"]);
    ended(&output, 0);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let cases = document["files"][0]["cases"].as_array().unwrap().iter();
    let names = cases.filter_map(|case| Some(case["case"].as_str()?.to_owned()));
    (names.collect(), document["coverage"].clone())
}

#[test]
fn there_is_a_case_for_each_rule_and_one_that_none_matches() {
    let folder = folder(POLICIES);
    let init = ["test", "--init", "-f", "policies", "cases/orders.yaml"];
    let written = run(folder.path(), &init);
    ended(&written, 0);
    assert_eq!(
        text(&written.stdout),
        "cases/orders.yaml: 6 cases, all of which pass\n"
    );
    let (names, coverage) = tested(folder.path(), "cases/orders.yaml");
    assert_eq!(
        names,
        [
            "authorization-policy shop/orders.rules[0]",
            "authorization-policy shop/orders.rules[1]",
            "authorization-policy shop/readers.rules[0]",
            "authorization-policy shop/readers.rules[1]",
            "fault-injection chaos",
            "nothing matches",
        ]
    );
    assert_eq!(coverage["percent"], 100);
    let file = fs::read_to_string(folder.path().join("cases/orders.yaml")).unwrap();
    assert!(file.contains("  files: [\"../policies\"]\n"), "{file}");
    assert!(
        file.contains("reasons: {authorization-policy: \"deny:shop/orders.rules[0]\"}"),
        "{file}"
    );
    // What is there is somebody's.
    let again = run(folder.path(), &init);
    ended(&again, 2);
    assert_eq!(
        text(&again.stderr),
        "mesh-filters: cases/orders.yaml: is there already; name a new file\n"
    );
}

#[test]
fn a_changed_policy_fails_what_was_written() {
    let folder = folder(POLICIES);
    ended(
        &run(
            folder.path(),
            &["test", "--init", "-f", "policies", "cases.yaml"],
        ),
        0,
    );
    let changed = POLICIES.replace("methods: [DELETE]", "methods: [PATCH]");
    fs::write(folder.path().join("policies/orders.yaml"), changed).unwrap();
    let failed = run(folder.path(), &["test"]);
    ended(&failed, 1);
    let said = text(&failed.stdout);
    assert!(
        said.contains("cases.yaml: policies: authorization-policy shop/orders.rules[0]\n"),
        "{said}"
    );
}

#[test]
fn a_rule_that_no_request_reaches_is_told() {
    let shadowed = r#"
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: p, namespace: shop}
spec:
  action: DENY
  rules:
  - to: [{operation: {paths: ["/admin*"]}}]
  - to: [{operation: {paths: ["/admin/users"]}}]
"#;
    let folder = folder(shadowed);
    let written = run(
        folder.path(),
        &["test", "--init", "-f", "policies/orders.yaml", "cases.yaml"],
    );
    ended(&written, 0);
    assert_eq!(
        text(&written.stdout),
        "cases.yaml: 2 cases, all of which pass\n  \
           no request could be made up for authorization-policy shop/p.rules[1]\n"
    );
    let (_, coverage) = tested(folder.path(), "cases.yaml");
    assert_eq!(coverage["reached"], 1);
    let file = fs::read_to_string(folder.path().join("cases.yaml")).unwrap();
    assert!(
        file.contains("# To be written: a case for authorization-policy shop/p.rules[1]"),
        "{file}"
    );
}

#[test]
fn a_configuration_of_one_filter_and_limits_too() {
    let limits = r#"{"limits": [
      {"name": "per-user", "match": [{"uri": {"prefix": "/api"}}], "key": [{"header": "x-user"}], "requests": 3, "per": "1m"},
      {"name": "all", "requests": 5, "per": "1s", "burst": 7}
    ]}"#;
    let folder = folder(limits);
    let words = [
        "test",
        "--init",
        "-f",
        "policies",
        "--filter-name",
        "rate-limit",
        "limits.yaml",
    ];
    ended(&run(folder.path(), &words), 0);
    let (names, coverage) = tested(folder.path(), "limits.yaml");
    assert_eq!(
        names,
        ["rate-limit per-user", "rate-limit all", "nothing matches"]
    );
    assert_eq!(coverage["percent"], 100);
}

#[test]
fn without_a_file_it_is_on_standard_output() {
    let folder = folder(POLICIES);
    let written = run(folder.path(), &["test", "--init", "-f", "policies"]);
    ended(&written, 0);
    fs::write(folder.path().join("mine.yaml"), &written.stdout).unwrap();
    let (names, _) = tested(folder.path(), "mine.yaml");
    assert_eq!(names.len(), 6);
}

#[test]
fn what_cannot_be_done_is_told() {
    let folder = folder("kind: Deployment\nmetadata: {name: a}\n");
    let told = |words: &[&str], said: &str| {
        let output = run(folder.path(), words);
        ended(&output, 2);
        let error = text(&output.stderr);
        assert!(error.contains(said), "{error}");
        assert!(!folder.path().join("cases.yaml").exists());
    };
    told(&["test", "--init", "cases.yaml"], "--policies");
    told(
        &["test", "--init", "-f", "nowhere", "cases.yaml"],
        "nowhere: No such file",
    );
    told(
        &["test", "--init", "-f", "policies", "cases.yaml"],
        "`files` have no resource that `mesh-filters` takes",
    );
    told(
        &["test", "--init", "-f", "policies", "a.yaml", "b.yaml"],
        "--init writes one file",
    );
    fs::write(
        folder.path().join("policies/orders.yaml"),
        "rateLimit: {limits: 1}\n",
    )
    .unwrap();
    told(
        &["test", "--init", "-f", "policies", "cases.yaml"],
        "policies: rateLimit.limits: ",
    );
}
