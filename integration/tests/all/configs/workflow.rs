//! `.github/workflows/ci.yml`: what it runs is there, and nothing is published that was not tested.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use integration::envoy::repository;
use serde_json::Value;

fn workflow() -> Value {
    let file = repository().join(".github/workflows/ci.yml");
    serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// The commands of a job.
fn commands(job: &Value) -> Vec<&str> {
    let steps = job["steps"].as_array().unwrap();
    steps
        .iter()
        .filter_map(|step| step["run"].as_str())
        .collect()
}

#[test]
fn every_push_runs_the_whole_check_and_a_release_waits_for_it() {
    let workflow = workflow();
    assert_eq!(workflow["on"]["push"]["tags"][0], "v*");
    let jobs = &workflow["jobs"];
    assert_eq!(commands(&jobs["test"]), [".ci/run"]);
    let check = fs::metadata(repository().join(".ci/run")).unwrap();
    assert_ne!(check.permissions().mode() & 0o111, 0);
    assert_eq!(jobs["release"]["needs"], "test");
    assert_eq!(
        jobs["release"]["if"],
        "startsWith(github.ref, 'refs/tags/v')"
    );
}

#[test]
fn the_commands_of_a_release_are_commands_of_the_shell_and_of_this_repository() {
    let workflow = workflow();
    let commands = commands(&workflow["jobs"]["release"]);
    assert_eq!(commands.len(), 3);
    for command in &commands {
        let read = Command::new("bash")
            .args(["-n", "-c", command])
            .output()
            .unwrap();
        assert!(read.status.success(), "{command}: {read:?}");
    }
    // xtask takes a tag only with `--check`, and says which flags it has.
    assert!(commands[0].starts_with("cargo xtask release --check --tag \"$GITHUB_REF_NAME\""));
    let help = Command::new(env!("CARGO"))
        .current_dir(repository())
        .args(["xtask", "--help"])
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let words = commands[0].split_whitespace();
    for flag in words.filter(|word| word.starts_with("--")) {
        assert!(help.contains(&format!("            {flag} ")), "{flag}");
    }
    // What is pushed and published is what `cargo xtask oci` and `release` write.
    assert!(commands[1].contains("for module in dist/oci/*/"));
    assert!(commands[1].contains("image push \"${module}compat\""));
    for file in [
        "dist/*.wasm",
        "dist/oci/SHA256SUMS",
        "dist/oci/*/*.cdx.json",
        "dist/release-notes.md",
    ] {
        assert!(commands[2].contains(file), "{file}");
    }
}
