//! `mesh-filters replay`, run as people run it.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use crate::harness;
use crate::harness::{program, text};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

const WEB: &str = "spiffe://cluster.local/ns/shop/sa/web";

fn policy(methods: &str) -> String {
    format!(
        "apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: orders, namespace: shop}}
spec:
  rules:
  - from: [{{source: {{principals: [cluster.local/ns/shop/sa/web]}}}}]
    to: [{{operation: {{methods: [{methods}], paths: [/orders/*]}}}}]
"
    )
}

fn line(method: &str, path: &str, details: &str) -> Value {
    json!({
        "start_time": "2026-11-21T10:00:00.000Z", "method": method, "path": path, "authority": "shop.example",
        "response_code": if details == "via_upstream" { 200 } else { 403 }, "response_code_details": details,
        "downstream_peer_uri_san": WEB, "downstream_remote_address": "203.0.113.7:4711",
    })
}

/// A folder with policies, old and new, and a log.
fn folder(lines: &[String]) -> TempDir {
    let folder = tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("old.yaml", &policy("GET, DELETE"));
    write("new.yaml", &policy("GET"));
    write("access.log", &lines.join("\n"));
    folder
}

fn lines(all: &[Value]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

fn run(folder: &Path, words: &[&str], input: &str) -> Output {
    let mut program = program(folder);
    program
        .arg("replay")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = program.spawn().unwrap();
    // Whoever reads no standard input has ended by now.
    let _ = running.stdin.take().unwrap().write_all(input.as_bytes());
    running.wait_with_output().unwrap()
}

const BOTH: [&str; 5] = ["--old", "old.yaml", "--new", "new.yaml", "access.log"];

#[test]
fn what_changes_is_told_and_ends_with_1() {
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";
    let folder = folder(&lines(&[
        line("GET", "/orders/1", "via_upstream"),
        line(
            "DELETE",
            &format!("/orders/1?access_token={token}"),
            "via_upstream",
        ),
        line("DELETE", "/orders/\u{1b}[2J", "via_upstream"),
    ]));
    let run = run(folder.path(), &BOTH, "");
    assert_eq!(run.status.code(), Some(1), "{}", text(&run.stderr));
    let said = text(&run.stdout);
    assert_eq!(
        said,
        "\
2 of 3 requests decided otherwise

2 requests
  was allow  allow:shop/orders.rules[0]
  is  deny   no_allow:shop/orders.rules[0].to[0].operation.methods
  as DELETE shop.example/orders/1?access_token=***
     from spiffe://cluster.local/ns/shop/sa/web, 203.0.113.7:4711  (access.log:2)
     wanted  GET
     seen    DELETE

3 requests answered as the old policies say, all that can be compared
"
    );
    assert_eq!(
        text(&run.stderr),
        "note: no workload is named, so every policy applies, whatever its namespace and selector; name one with \
         `--namespace` and `--labels`\n"
            .repeat(2)
    );
}

#[test]
fn what_came_from_outside_commands_no_terminal() {
    let folder = folder(&lines(&[line(
        "DELETE",
        "/orders/\u{1b}[2J",
        "via_upstream",
    )]));
    let run = run(folder.path(), &BOTH, "");
    assert!(text(&run.stdout).contains("/orders/\\u{1b}[2J"));
    assert!(!text(&run.stdout).contains('\u{1b}'));
}

#[test]
fn as_json_it_is_one_document() {
    let folder = folder(&lines(&[
        line("DELETE", "/orders/1", "via_upstream"),
        line(
            "GET",
            "/orders/1",
            "rbac_access_denied_matched_policy[none]",
        ),
        json!({"path": "/orders/1", "method": "GET"}),
    ]));
    let words = [&BOTH[..], &["--format", "json", "--namespace", "shop"]].concat();
    let run = run(folder.path(), &words, "");
    assert_eq!(run.status.code(), Some(1));
    assert_eq!(text(&run.stderr), "");
    let said: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(
        (&said["changed"], &said["alike"], &said["unjudged"]),
        (&json!(1), &json!(1), &json!(1))
    );
    assert_eq!(said["changes"][0]["after"]["decision"], "deny");
    assert_eq!(said["changes"][0]["example"]["line"], 1);
    assert_eq!(said["disagreements"][0]["logged"]["decision"], "deny");
    let missing = &said["missing"][0];
    assert_eq!(
        (&missing["field"], &missing["count"]),
        (&json!("downstream_peer_uri_san"), &json!(1))
    );
    assert_eq!(
        missing["conditions"],
        json!(["shop/orders.rules[0].from[0].source.principals"])
    );
}

#[test]
fn nothing_that_changes_ends_with_0_and_nothing_that_is_judged_with_2() {
    let words = ["--old", "new.yaml", "--new", "new.yaml", "access.log"];
    let alike = folder(&lines(&[line("GET", "/orders/1", "via_upstream")]));
    let code = |folder: &TempDir, words: &[&str]| run(folder.path(), words, "").status.code();
    assert_eq!(code(&alike, &words), Some(0));
    // Without old policies the log is compared with.
    assert_eq!(code(&alike, &["--new", "new.yaml", "access.log"]), Some(0));
    let unsaid = folder(&lines(&[json!({"path": "/orders/1"})]));
    assert_eq!(code(&unsaid, &words), Some(2));
    let none = folder(&["Envoy proxy is ready".to_owned()]);
    let said = run(none.path(), &words, "");
    assert_eq!(said.status.code(), Some(2));
    let said = text(&said.stderr);
    assert!(
        said.contains("access.log:1: is no JSON, at character 1\n"),
        "{said}"
    );
    assert!(
        said.contains("no line is an entry of an access log in JSON"),
        "{said}"
    );
    for words in [
        &["--old", "old.yaml", "--new", "new.yaml", "other.log"][..],
        &["--new", "other.yaml", "access.log"],
        &["--new", "new.yaml", "--since", "yesterday", "access.log"],
        &[
            "--new",
            "new.yaml",
            "--since",
            "2027-01-01T00:00:00Z",
            "access.log",
        ],
        &["--new", "-", "-"],
        &["access.log"],
        &["--suggest", "--new", "new.yaml", "access.log"],
    ] {
        assert_eq!(code(&alike, words), Some(2), "{words:?}");
    }
}

#[test]
fn standard_input_is_a_log_too() {
    let folder = folder(&[]);
    let input = line("DELETE", "/orders/1", "via_upstream").to_string();
    let run = run(folder.path(), &["--new", "new.yaml", "-"], &input);
    assert_eq!(run.status.code(), Some(1));
    assert!(text(&run.stdout).contains("(<stdin>:1)"));
}

#[test]
fn limits_faults_and_tokens_are_not_replayed_and_that_is_said() {
    let folder = folder(&lines(&[line("GET", "/orders/1", "via_upstream")]));
    let limits = "rateLimit:\n  limits: [{name: l, requests: 2, per: 1m}]\n";
    fs::write(folder.path().join("limits.yaml"), limits).unwrap();
    let words = [
        "--new",
        "new.yaml",
        "--new",
        "limits.yaml",
        "--namespace",
        "shop",
        "access.log",
    ];
    let run = run(folder.path(), &words, "");
    assert_eq!(run.status.code(), Some(0));
    assert_eq!(
        text(&run.stderr),
        "note: not replayed: rate limits; see docs/replay.md\n"
    );
}

#[test]
fn the_files_that_make_such_a_log_are_right() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let check = harness::run(&root, &["check", "envoy-configs/log"]);
    assert_eq!(check.status.code(), Some(0), "{}", text(&check.stdout));
}

#[test]
fn a_policy_is_suggested_that_check_takes_and_that_changes_nothing() {
    let mut all = lines(&[
        line("GET", "/orders/1", "via_upstream"),
        line("GET", "/orders/2", "via_upstream"),
        line(
            "DELETE",
            "/orders/2",
            "rbac_access_denied_matched_policy[none]",
        ),
        line("GET", "/orders/*", "via_upstream"),
    ]);
    all.push("Envoy proxy is ready".to_owned());
    let folder = folder(&all);
    let words = [
        "--suggest",
        "--namespace",
        "shop",
        "--labels",
        "app=orders",
        "access.log",
    ];
    let suggested = run(folder.path(), &words, "");
    assert_eq!(suggested.status.code(), Some(0));
    let yaml = text(&suggested.stdout);
    let expected = "\
# Admits 2 of 4 requests of the log. Read it before you apply it: an ALLOW policy denies all else.
# `{*}` is any one segment: there were several numbers, UUIDs or hashes.
# Not admitted: 1 that were refused.
# Not admitted: 1 that have a path with `*`, `{` or `}`, which a rule would take for more than that path.
apiVersion: security.istio.io/v1
";
    assert!(yaml.starts_with(expected), "{yaml}");
    fs::write(folder.path().join("suggested.yaml"), &yaml).unwrap();
    let check = harness::run(folder.path(), &["check", "suggested.yaml"]);
    assert_eq!(check.status.code(), Some(0), "{}", text(&check.stdout));
    let words = [
        "--new",
        "suggested.yaml",
        "--namespace",
        "shop",
        "--labels",
        "app=orders",
        "access.log",
    ];
    let again = run(folder.path(), &words, "");
    let said = text(&again.stdout);
    assert!(
        said.starts_with("0 of 4 requests decided otherwise than the log says they were"),
        "{said}"
    );
    let nothing = run(
        folder.path(),
        &["--suggest", "--min-count", "9", "access.log"],
        "",
    );
    assert_eq!(nothing.status.code(), Some(2));
}
