//! `mesh-filters run` where it cannot: what is said, and what to do. With an Envoy it is tested in `integration`.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use tempfile::{TempDir, tempdir};

use crate::harness::{ended, program, text};

const POLICY: &str = "rateLimit: {limits: [{name: all, requests: 1, per: 1m}]}\n";

/// A folder with a policy, what is called a module and what is called an Envoy.
fn folder() -> TempDir {
    let folder = tempdir().unwrap();
    for (name, text) in [
        ("policy.yaml", POLICY),
        ("mesh-filters.wasm", ""),
        ("envoy", ""),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// What it says where it cannot be done.
#[track_caller]
fn failed(folder: &Path, words: &[&str]) -> String {
    let mut program = program(folder);
    program
        .arg("run")
        .args(words)
        .env("PATH", "/nowhere")
        .env("HOME", folder);
    for name in [
        "ENVOY_BIN",
        "MESH_FILTERS_MODULES",
        "MESH_FILTERS_ENVOY_VERSION",
        "XDG_CACHE_HOME",
    ] {
        program.env_remove(name);
    }
    let output = program.output().unwrap();
    ended(&output, 2);
    assert_eq!(text(&output.stdout), "");
    text(&output.stderr)
}

#[test]
fn what_is_missing_is_told_with_what_to_do() {
    let folder = folder();
    let path = folder.path();
    let said = failed(path, &["policy.yaml"]);
    assert!(
        said.contains("dist/mesh-filters.wasm: no such module: `cargo xtask build` makes it"),
        "{said}"
    );
    let said = failed(path, &["policy.yaml", "--modules", "."]);
    assert!(
        said.contains("there is no Envoy on this machine: --fetch-envoy fetches one"),
        "{said}"
    );
    let said = failed(
        path,
        &["policy.yaml", "--modules", ".", "--envoy-bin", "no-envoy"],
    );
    assert!(said.contains("no-envoy: No such file"), "{said}");
    let said = failed(
        path,
        &["policy.yaml", "--modules", ".", "--envoy-bin", "envoy"],
    );
    assert!(said.contains("envoy`: "), "{said}");
}

#[test]
fn what_cannot_be_meant_is_told() {
    let folder = folder();
    let path = folder.path();
    let modules = ["--modules", ".", "--envoy-bin", "envoy"];
    let with = |words: &[&str]| failed(path, &[words, &modules].concat());
    let said = with(&["-"]);
    assert!(
        said.contains("standard input cannot be; write it to a file"),
        "{said}"
    );
    let said = with(&["policy.yaml", "--upstream", "localhost:8080"]);
    assert!(
        said.contains("`--upstream` must begin with `http://` or `https://`"),
        "{said}"
    );
    let said = with(&["policy.yaml", "--upstream", "http://localhost:8080/orders"]);
    assert!(
        said.contains("is more than scheme, host and port"),
        "{said}"
    );
    let said = with(&["none.yaml"]);
    assert!(said.contains("none.yaml: No such file"), "{said}");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = with(&["policy.yaml", "--port", &port]);
    assert!(
        said.contains(&format!("127.0.0.1:{port} cannot be listened on: ")),
        "{said}"
    );
    assert!(said.contains("take another --port"), "{said}");
}

#[test]
fn policies_that_are_refused_are_not_run() {
    let folder = folder();
    let wrong = POLICY.replace("1m", "soon");
    fs::write(folder.path().join("policy.yaml"), wrong).unwrap();
    let said = failed(
        folder.path(),
        &["policy.yaml", "--modules", ".", "--envoy-bin", "envoy"],
    );
    assert!(said.contains("policy.yaml:1:"), "{said}");
    assert!(
        said.contains("rateLimit.limits[0].per: `soon` is not a duration"),
        "{said}"
    );
}
