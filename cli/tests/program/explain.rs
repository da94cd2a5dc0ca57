//! `mesh-filters explain`, run as people run it.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

const POLICIES: &str = "\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: open, namespace: shop}
spec:
  rules:
  - to: [{operation: {paths: [/open/*]}}]
---
rateLimit:
  limits: [{name: l, requests: 2, per: 1m}]
";

fn folder() -> TempDir {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("policies.yaml"), POLICIES).unwrap();
    folder
}

fn run(folder: &Path, words: &[&str], input: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_mesh-filters"));
    program.current_dir(folder).arg("explain").args(words);
    program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = program.spawn().unwrap();
    running
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    running.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_page_shows_what_is_said() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("docs/explain.md")).unwrap();
    let folder = tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_mesh-filters"));
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", program.parent().unwrap().display());
    let mut commands = 0;
    for block in page.split("\n```").skip(1) {
        let (language, block) = block.split_once('\n').unwrap_or((block, ""));
        if language == "yaml" {
            fs::write(folder.path().join("policies.yaml"), block).unwrap();
        }
        let Some((command, expected)) = block
            .strip_prefix("$ ")
            .and_then(|rest| rest.split_once('\n'))
        else {
            continue;
        };
        let mut shell = Command::new("sh");
        shell
            .args(["-c", command])
            .current_dir(folder.path())
            .env("PATH", &path);
        let output = shell.output().unwrap();
        assert_eq!(
            text(&output.stdout).trim_end(),
            expected,
            "{command}: {}",
            text(&output.stderr)
        );
        assert_eq!(output.status.code(), Some(0), "{command}");
        commands += 1;
    }
    assert_eq!(commands, 3);
}

#[test]
fn lines_are_answered_until_one_is_none() {
    let folder = folder();
    let lines = "\
{\"url\": \"http://a/open/x\"}

{\"url\": \"http://a/%6fpen/../open/x\", \"at\": \"2026-01-01T00:00:00Z\"}
{\"url\": \"http://a/open/x\"}
{\"url\": \"http://a/closed\"}
{\"url\": \"http://a/open/x\", \"jwt\": {\"eyJsecret\": 1}}
{\"url\": \"http://a/open/x\"}
";
    fs::write(folder.path().join("r.jsonl"), lines).unwrap();
    let words = [
        "-f",
        "policies.yaml",
        "--at",
        "2026-01-01T00:00:00Z",
        "--requests",
        "r.jsonl",
    ];
    let output = run(folder.path(), &words, "");
    let answers: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<Value> = answers
        .iter()
        .map(|answer| json!([answer["decision"], answer["status"], answer["reason"]]))
        .collect();
    assert_eq!(
        told,
        [
            json!(["allow", 200, null]),
            json!(["allow", 200, null]),
            json!(["reply", 429, "limited:l"]),
            json!([
                "deny",
                403,
                "no_allow:shop/open.rules[0].to[0].operation.paths"
            ]),
        ]
    );
    let said = text(&output.stderr);
    assert!(
        said.ends_with("mesh-filters: r.jsonl:6: `jwt` must be text\n"),
        "{said}"
    );
    assert!(!said.contains("eyJ"), "{said}");
    assert_eq!(output.status.code(), Some(2));
    // The same bytes at every run, and the same from standard input.
    let words = [
        "-f",
        "policies.yaml",
        "--at",
        "2026-01-01T00:00:00Z",
        "--requests",
        "-",
    ];
    assert_eq!(run(folder.path(), &words, lines).stdout, output.stdout);
}

#[test]
fn no_secret_is_told_again() {
    let folder = folder();
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJpIn0.c2lnbmF0dXJl";
    fs::write(folder.path().join("token"), token).unwrap();
    let url = format!("http://a/open/{token}?key=0123456789");
    let words = [
        "-f",
        "policies.yaml",
        "--all",
        "--jwt",
        "token",
        &url,
        "-H",
        "cookie: sid=0123456789",
        "-H",
        "x-copy: 0123456789",
    ];
    for format in ["human", "json"] {
        let mut words = words.to_vec();
        words.extend(["--format", format]);
        let output = run(folder.path(), &words, "");
        let said = [text(&output.stdout), text(&output.stderr)].concat();
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains("authorization"), "{said}");
        for secret in ["eyJ", "c2lnbmF0dXJl", "0123456789"] {
            assert!(!said.contains(secret), "{secret}: {said}");
        }
    }
}

#[test]
fn what_cannot_be_done_is_said_and_ends_with_two() {
    let folder = folder();
    fs::write(
        folder.path().join("wrong.yaml"),
        "rateLimit:\n  limits: [{name: l, requests: some, per: 1m}]\n",
    )
    .unwrap();
    for (words, said) in [
        (
            &["-f", "none.yaml", "http://a/"][..],
            "mesh-filters: none.yaml: No such file or directory (os error 2)\n",
        ),
        (
            &["-f", "wrong.yaml", "http://a/"],
            "mesh-filters: the policies are refused\nwrong.yaml:2:32: rateLimit.limits[0].requests: ",
        ),
        (
            &["-f", "wrong.yaml", "--filter", "rate-limits", "http://a/"],
            "mesh-filters: no filter is named `rate-limits`",
        ),
        (
            &["-f", "policies.yaml"],
            "mesh-filters: no request is given",
        ),
        (
            &["-f", "policies.yaml", "ftp://a/"],
            "mesh-filters: `url` must begin with `http://` or `https://`\n",
        ),
        (
            &["-f", "policies.yaml", "--requests", "none"],
            "mesh-filters: none: No such file or directory (os error 2)\n",
        ),
        (
            &["-f", "policies.yaml", "--at", "soon", "http://a/"],
            "mesh-filters: `--at` is no time such as",
        ),
    ] {
        let output = run(folder.path(), words, "");
        let told = text(&output.stderr);
        assert!(told.contains(said), "{words:?}: {told}");
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(output.stdout.is_empty(), "{words:?}");
    }
}

#[test]
fn each_rule_has_its_verdict() {
    let folder = folder();
    let words = [
        "-f",
        "policies.yaml",
        "--all",
        "--format",
        "json",
        "http://a/closed",
    ];
    let output = run(folder.path(), &words, "");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        answer["rules"],
        json!([{
            "filter": "authorization-policy", "policy": "shop/open", "action": "ALLOW", "rule": "rules[0]", "matches": false,
            "failed": {
                "policy": "shop/open", "condition": "rules[0].to[0].operation.paths",
                "wanted": ["/open/*"], "seen": "/closed",
            },
        }])
    );
    let output = run(
        folder.path(),
        &["-f", "policies.yaml", "--all", "http://a/open/x"],
        "",
    );
    let said = text(&output.stdout);
    assert!(
        said.contains("  ALLOW shop/open rules[0]: matches\n"),
        "{said}"
    );
}

#[test]
fn what_a_plugin_hands_to_a_module_is_explained_as_well() {
    let folder = tempdir().unwrap();
    let plugin = "\
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {name: limits, namespace: shop}
spec:
  selector: {matchLabels: {app: orders}}
  url: oci://registry.example/authorization-policy:0.1.0
  pluginConfig: {policies: [{name: none, action: DENY, rules: [{}]}]}
";
    fs::write(folder.path().join("plugin.yaml"), plugin).unwrap();
    for (label, by) in [
        ("orders", json!("authorization-policy")),
        ("other", json!(null)),
    ] {
        let labels = format!("app={label}");
        let words = [
            "-f",
            "plugin.yaml",
            "--namespace",
            "shop",
            "--labels",
            &labels,
            "--format",
            "json",
            "http://a/",
        ];
        let output = run(folder.path(), &words, "");
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answer["by"], by, "{label}: {}", text(&output.stderr));
    }
}
