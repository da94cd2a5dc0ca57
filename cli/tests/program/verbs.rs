//! What all verbs have in common: what is wrong is told in one sentence with its file, nothing else is on standard
//! output than what was asked for, and a reader may leave.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use crate::harness::{ended, fed, program, run, text};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

const POLICY: &str = "\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer, namespace: shop}
spec:
  rules:
  - to: [{operation: {paths: [\"/reviews/*\"]}}]
";
const CASES: &str = "\
- description: a
  files: [policy.yaml]
  cases:
  - {name: passes, request: {path: /reviews/1}, expect: {reasons: {authorization-policy: \"allow:shop/viewer.rules[0]\"}}}
";

/// A folder with a policy, its cases, and what is none.
fn folder() -> TempDir {
    let folder = tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("policy.yaml", POLICY.as_bytes());
    write("cases.yaml", CASES.as_bytes());
    write("log.jsonl", b"{}\n");
    write("empty.yaml", b"");
    write("binary.yaml", b"\0asm\xff\xfe");
    write("broken.yaml", b"a: [b\nc: }\n");
    write("template.yaml", b"a: {{ .Values.a }}\nb: {{- end }}\n");
    write("deep.yaml", "[".repeat(100_000).as_bytes());
    fs::create_dir(folder.path().join("folder")).unwrap();
    folder
}

/// Each verb that reads policies or cases, as it reads a file.
fn readers(file: &str) -> Vec<Vec<&str>> {
    vec![
        vec!["check", file],
        vec!["convert", file],
        vec!["explain", "-f", file, "https://shop.example/reviews/1"],
        vec!["replay", "--new", file, "log.jsonl"],
        vec!["test", file],
        vec!["test", "--init", "-f", file],
    ]
}

/// What is said where it could not be done: once, by the program, with no panic.
#[track_caller]
fn told(folder: &Path, words: &[&str]) -> String {
    let output = run(folder, words);
    ended(&output, 2);
    assert_eq!(text(&output.stdout), "", "{words:?}");
    let said = text(&output.stderr);
    assert!(said.contains("mesh-filters: "), "{words:?}: {said}");
    assert!(!said.contains("panicked"), "{words:?}: {said}");
    said
}

#[test]
fn what_cannot_be_read_is_told_with_its_file_and_alike() {
    let folder = folder();
    for (file, problem) in [
        ("missing.yaml", "missing.yaml: No such file or directory"),
        ("binary.yaml", "binary.yaml: is no text in UTF-8"),
        (
            "folder",
            "folder: has no file named *.yaml, *.yml or *.json",
        ),
    ] {
        for words in readers(file) {
            let said = told(folder.path(), &words);
            assert!(said.contains(problem), "{words:?}: {said}");
        }
    }
    for (file, problem) in [
        (
            "broken.yaml",
            "broken.yaml:2:2: is no YAML: illegal placement of ':' indicator",
        ),
        (
            "deep.yaml",
            "is no YAML: it has more in it than is read, of values, of depth or of aliases; make several files of it",
        ),
        (
            "template.yaml",
            "is no YAML but a template of it; render it first, as `helm template` does",
        ),
    ] {
        for words in readers(file) {
            // That is its own finding.
            if words[0] != "check" {
                let said = told(folder.path(), &words);
                assert!(said.contains(problem), "{words:?}: {said}");
            }
        }
    }
}

#[test]
fn standard_input_that_is_no_policy_is_told() {
    let folder = folder();
    for words in readers("-") {
        // A case file names the files of its policies.
        if words[0] == "check" || words.contains(&"--init") {
            continue;
        }
        let output = fed(folder.path(), &words, "a: [b\nc: }\n");
        ended(&output, 2);
        let said = text(&output.stderr);
        let wanted = "<stdin>:2:2: is no YAML: illegal placement of ':' indicator\n";
        assert!(said.ends_with(wanted), "{words:?}: {said}");
    }
}

#[test]
fn policies_in_place_of_cases_are_told_with_the_way_to_cases() {
    let folder = folder();
    assert_eq!(
        told(folder.path(), &["test", "policy.yaml"]),
        "mesh-filters: policy.yaml: is no case file, which is a list of suites, each with `description` and `cases`; \
         of policies `mesh-filters test --init -f FILE` makes a first one\n"
    );
}

#[test]
fn a_word_that_is_none_ends_with_2_and_what_there_is() {
    let folder = folder();
    for verb in [
        "check", "convert", "explain", "replay", "run", "schema", "test", "man",
    ] {
        let output = run(folder.path(), &[verb, "--no-such-option"]);
        ended(&output, 2);
        assert_eq!(text(&output.stdout), "", "{verb}");
        let said = text(&output.stderr);
        assert!(said.contains("'--no-such-option'"), "{verb}: {said}");
        assert!(said.contains("--help"), "{verb}: {said}");
    }
}

/// Each verb where all is well, but `run`, which goes on.
fn well() -> Vec<Vec<&'static str>> {
    let mut all = readers("policy.yaml");
    all.retain(|words| words[0] != "replay" && words[..2] != ["test", "policy.yaml"]);
    all.push(vec!["test", "cases.yaml"]);
    all.push(vec!["schema", "mesh-filters"]);
    all.push(vec!["schema"]);
    all.push(vec!["completions", "zsh"]);
    all.push(vec!["man"]);
    all
}

#[test]
fn json_is_all_that_is_on_standard_output() {
    let folder = folder();
    for mut words in well() {
        words.extend(["--format", "json"]);
        let output = run(folder.path(), &words);
        ended(&output, 0);
        let read: Result<Value, _> = serde_json::from_slice(&output.stdout);
        assert!(read.is_ok(), "{words:?}: {}", text(&output.stdout));
    }
}

#[test]
fn nothing_is_coloured_where_no_terminal_is() {
    let folder = folder();
    let mut all = well();
    all.push(vec!["check", "broken.yaml"]);
    for words in all {
        let output = run(folder.path(), &words);
        let said = [output.stdout, output.stderr].concat();
        assert!(!said.contains(&b'\x1b'), "{words:?}: {}", text(&said));
    }
}

#[test]
fn a_reader_may_leave() {
    let folder = folder();
    // More than a pipe holds, so that there is something left to write.
    let rules = "  - to: [{operation: {paths: [\"/reviews/*\"]}}]\n".repeat(3000);
    fs::write(folder.path().join("policy.yaml"), [POLICY, &rules].concat()).unwrap();
    for words in [
        vec!["convert", "policy.yaml"],
        vec![
            "explain",
            "-f",
            "policy.yaml",
            "--all",
            "https://shop.example/reviews/1",
        ],
        vec!["schema", "mesh-filters"],
        vec!["completions", "bash"],
    ] {
        let mut program = program(folder.path());
        let program = program.args(&words).stdout(Stdio::piped());
        let mut running = program.stderr(Stdio::piped()).spawn().unwrap();
        let mut first = [0];
        let mut stdout = running.stdout.take().unwrap();
        stdout.read_exact(&mut first).unwrap();
        drop(stdout);
        let output = running.wait_with_output().unwrap();
        ended(&output, 0);
        let said = text(&output.stderr);
        assert!(!said.contains("panicked"), "{words:?}: {said}");
        assert!(!said.contains("pipe"), "{words:?}: {said}");
    }
}
