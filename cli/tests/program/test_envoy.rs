//! `mesh-filters test --envoy` where there is no Envoy, run as people run it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::harness::{ended, program, run, text};
use envoy::wait::until;
use tempfile::{TempDir, tempdir};

const CASES: &str = "
- description: limits
  filter: rate-limit
  config: {limits: [{name: all, requests: 1, per: 1m}]}
  cases: [{name: the first, expect: {}}]
";

/// A folder with cases, with what stands for a module, and with an empty one for temporary files.
fn folder() -> TempDir {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("cases.yaml"), CASES).unwrap();
    fs::create_dir(folder.path().join("modules")).unwrap();
    fs::write(folder.path().join("modules/rate-limit.wasm"), "").unwrap();
    fs::create_dir(folder.path().join("tmp")).unwrap();
    folder
}

/// A program in place of Envoy that does this.
fn stand_in(folder: &Path, lines: &str) {
    // Written by another process: as long as one of ours has it open, which a child of another test inherits, it cannot
    // be run.
    let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" > envoy && chmod +x envoy";
    let mut shell = Command::new("sh");
    let shell = shell.args(["-c", write, "sh", lines]).current_dir(folder);
    assert!(shell.status().unwrap().success());
}

#[track_caller]
fn fails(folder: &TempDir, words: &[&str], said: &str) {
    let words = [&["test", "cases.yaml"], words].concat();
    let output = run(folder.path(), &words);
    ended(&output, 2);
    let told = text(&output.stderr);
    assert!(told.contains(said), "{told}");
}

#[test]
fn what_is_missing_is_named_with_what_to_do() {
    let folder = folder();
    let no_module = "no/rate-limit.wasm: no such module: `cargo xtask build` makes it";
    fails(&folder, &["--envoy", "--modules", "no"], no_module);
    let words = ["--envoy", "--modules", "modules", "--envoy-bin", "no-envoy"];
    fails(&folder, &words, "no-envoy: No such file");
}

#[test]
fn options_that_would_do_nothing_are_refused() {
    let folder = folder();
    fails(&folder, &["--modules", "modules"], "--envoy");
    fails(&folder, &["--fetch-envoy"], "--envoy");
    let both = "'--envoy' cannot be used with '--coverage'";
    fails(&folder, &["--envoy", "--coverage"], both);
}

#[test]
fn an_envoy_that_ends_is_told_with_its_last_words_and_the_file() {
    let folder = folder();
    stand_in(folder.path(), "echo out of luck >&2; exit 7");
    let words = ["--envoy", "--modules", "modules", "--envoy-bin", "./envoy"];
    let said = "cases.yaml: Envoy ended with 7 instead of starting; its log ends\nout of luck";
    fails(&folder, &words, said);
}

/// What is there within a time in which a busy machine does it.
#[track_caller]
fn soon<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    until(Duration::from_secs(60), look).unwrap_or_else(|| panic!("{what}: never"))
}

#[test]
fn signals_leave_nothing() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let folder = folder();
        stand_in(folder.path(), "echo $$ > part; mv part pid; exec sleep 600");
        let mut command = program(folder.path());
        let words = ["--envoy", "--modules", "modules", "--envoy-bin", "./envoy"];
        command.args(["test", "cases.yaml"]).args(words);
        let tmp = folder.path().join("tmp");
        let mut running = command.env("TMPDIR", &tmp).spawn().unwrap();
        let pid = soon("the stand-in's pid", || {
            fs::read_to_string(folder.path().join("pid")).ok()
        });
        let line = format!("/proc/{}/cmdline", pid.trim());
        let runs = || fs::read_to_string(&line).is_ok_and(|line| line.starts_with("sleep"));
        soon("sleep", || runs().then_some(()));
        let mut kill = Command::new("kill");
        let kill = kill.args(["-s", signal, &running.id().to_string()]);
        assert!(kill.status().unwrap().success());
        assert_eq!(running.wait().unwrap().code(), Some(code));
        soon("the end of the stand-in", || (!runs()).then_some(()));
        let left: Vec<_> = fs::read_dir(&tmp).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
