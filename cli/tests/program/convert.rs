//! `mesh-filters convert`, run as people run it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::{TempDir, tempdir};

const POLICY: &str = "\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: orders, namespace: shop}
spec:
  selector: {matchLabels: {app: orders}}
  rules:
  - to: [{operation: {methods: [GET]}}]
";
const FAULT: &str = "\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ratings, namespace: shop}
spec:
  hosts: [ratings]
  http:
  - fault: {abort: {percentage: {value: 10}, httpStatus: 503}}
    route: [{destination: {host: ratings}}]
";

fn folder() -> TempDir {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("policy.yaml"), POLICY).unwrap();
    fs::write(folder.path().join("fault.yaml"), FAULT).unwrap();
    folder
}

fn run(folder: &Path, words: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_mesh-filters"));
    program
        .current_dir(folder)
        .arg("convert")
        .args(words)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn what_is_written_converts_back_to_the_same() {
    let folder = folder();
    for form in ["envoyfilter", "wasmplugin", "trafficextension", "envoy"] {
        let words = ["policy.yaml", "--to", form, "-o", "out.yaml"];
        let output = run(folder.path(), &words);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "", "{form}");
        let back = run(folder.path(), &["out.yaml"]);
        let straight = run(folder.path(), &["policy.yaml"]);
        let config = |output: &Output| {
            let lines = text(&output.stdout);
            let lines = lines.lines().filter(|line| !line.starts_with('#'));
            lines.map(str::to_owned).collect::<Vec<String>>()
        };
        assert_eq!(config(&back), config(&straight), "{form}");
    }
}

#[test]
fn what_is_not_carried_over_is_found() {
    let folder = folder();
    let output = run(
        folder.path(),
        &["fault.yaml", "--to", "envoyfilter", "--context", "inbound"],
    );
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(
        told.contains("differs: fault.yaml:1:1: faults are injected where requests are sent"),
        "{told}"
    );
    let output = run(folder.path(), &["fault.yaml", "--format", "json"]);
    assert_eq!(
        (output.status.code(), text(&output.stderr).as_str()),
        (Some(1), "")
    );
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(all["losses"][0]["path"], "spec.exportTo");
    assert!(all["output"].as_str().unwrap().contains("httpStatus: 503"));
    assert!(
        all["notes"][0]
            .as_str()
            .unwrap()
            .starts_with("fault.yaml:8:12: spec.http[0].route: ")
    );
}

#[test]
fn one_filter_of_many_comes_by_its_name() {
    let folder = folder();
    let words = [
        "policy.yaml",
        "fault.yaml",
        "--filter",
        "authorization-policy",
        "--namespace",
        "shop",
        "--labels",
        "app=orders",
    ];
    let output = run(folder.path(), &words);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stdout).contains("\npolicies:\n- name: orders\n"),
        "{}",
        text(&output.stdout)
    );
    let told = text(&output.stderr);
    assert!(
        told.contains("fault.yaml:1:1: is of the filter fault-injection, and not carried over"),
        "{told}"
    );
    let each = run(
        folder.path(),
        &[
            "policy.yaml",
            "fault.yaml",
            "--modules",
            "each",
            "--to",
            "wasmplugin",
        ],
    );
    let kinds = text(&each.stdout).matches("kind: WasmPlugin").count();
    assert_eq!(kinds, 2, "{}", text(&each.stdout));
}

#[test]
fn what_cannot_be_done_is_said_with_what_to_do() {
    let folder = folder();
    fs::write(
        folder.path().join("broken.yaml"),
        POLICY.replace("methods", "method"),
    )
    .unwrap();
    fs::write(folder.path().join("pod.yaml"), "kind: Pod\n").unwrap();
    for (words, said) in [
        (&["broken.yaml"][..], "broken.yaml:7:"),
        (&["pod.yaml"], "there is no policy among these documents"),
        (&["missing.yaml"], "missing.yaml"),
        (
            &[
                "policy.yaml",
                "--to",
                "envoyfilter",
                "--module",
                "oci://a/b:1",
            ],
            "--to wasmplugin",
        ),
        (
            &[
                "policy.yaml",
                "--to",
                "envoy",
                "--module",
                "https://a/b.wasm",
            ],
            "--sha256",
        ),
        (
            &["policy.yaml", "fault.yaml", "--modules", "each"],
            "--filter",
        ),
        (&["policy.yaml", "--format", "sarif"], "only `check`"),
        (&["policy.yaml", "-o", "no/such/folder"], "no/such/folder"),
    ] {
        let output = run(folder.path(), words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(
            text(&output.stderr).contains(said),
            "{words:?}: {}",
            text(&output.stderr)
        );
    }
}
