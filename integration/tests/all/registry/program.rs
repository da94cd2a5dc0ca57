//! `mesh-filters image` with registries, run as people run it.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use integration::envoy::Scratch;
use integration::service::Service;
use oci::registry::push;
use oci::{Digest, layout};
use serde_json::{Value, json};

use super::accounts::ACCOUNTS;
use super::modules::{images, module};
use super::{at, image, remote};

/// The program, for somebody with this folder for Docker's configuration and for more programs.
fn program(folder: &Path) -> Command {
    let mut command = Command::new(integration::program::built("mesh-filters"));
    let path = env::var("PATH").unwrap();
    command
        .args(["image", "--format", "json"])
        .current_dir(folder)
        .env("DOCKER_CONFIG", folder)
        .env("PATH", format!("{}:{path}", folder.display()));
    command
}

/// What it says, and that it ends with this code.
#[track_caller]
fn run(folder: &Path, words: &[&str], code: i32) -> Output {
    let output = program(folder).args(words).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
    output
}

#[track_caller]
fn answer(folder: &Path, words: &[&str]) -> Value {
    let output = run(folder, words, 0);
    // Progress is for terminals.
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A folder with the layout of an image, `layout`.
fn folder() -> (Scratch, Digest) {
    let folder = Scratch::new().unwrap();
    let (_, image) = images().remove(0);
    layout::write(&image, "1", &folder.path().join("layout")).unwrap();
    (folder, image.digest())
}

/// A credential helper that does this when it is asked.
fn helper(folder: &Scratch, script: &str) {
    // Helpers are called with the word `get`: a shell reads the file of that name, and nothing that was
    // written a moment ago has to be run, which fails while another thread starts a program.
    folder.write("get", script).unwrap();
    let path = folder.path().join("docker-credential-of-a-test");
    if !path.exists() {
        symlink("/bin/sh", path).unwrap();
    }
}

#[test]
fn an_image_goes_to_a_registry_and_comes_back() {
    let registry = Service::registry();
    let (scratch, digest) = folder();
    let folder = scratch.path();
    let named = at(registry.addr(), "a/b:1").to_string();

    let pushed = answer(folder, &["push", "layout", &named]);
    let url = pushed["url"].as_str().unwrap();
    assert_eq!(url, format!("oci://{}/a/b@{digest}", registry.addr()));
    assert_eq!(pushed["sha256"], digest.hex());
    assert_eq!(pushed["present"], 0);
    assert_eq!(answer(folder, &["push", "layout", &named])["sent"], 0);

    let verified = answer(folder, &["verify", url, &named]);
    assert_eq!(verified["images"][0]["digest"], digest.to_string());
    assert_eq!(verified["images"][1]["digest"], digest.to_string());

    answer(folder, &["pull", url, "module.wasm"]);
    assert_eq!(
        fs::read(folder.join("module.wasm")).unwrap(),
        module().bytes()
    );
    answer(folder, &["pull", &named, "copy"]);
    let copied = answer(folder, &["verify", "copy"]);
    assert_eq!(copied["images"][0]["digest"], digest.to_string());
}

#[test]
fn what_the_agent_would_refuse_is_found_in_the_registry() {
    let registry = Service::registry();
    push(&image(b"x"), &remote(registry.addr(), "a/b:1")).unwrap();
    let folder = Scratch::new().unwrap();
    let named = at(registry.addr(), "a/b:1").to_string();

    run(folder.path(), &["verify", &named], 1);
}

#[test]
fn what_a_registry_does_not_have_is_no_finding() {
    let registry = Service::registry();
    let folder = Scratch::new().unwrap();
    let named = at(registry.addr(), "a/b:1").to_string();

    for words in [&["verify", &named][..], &["pull", &named, "module.wasm"]] {
        let output = run(folder.path(), words, 2);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("/v2/a/b/manifests/1: 404, "), "{said}");
    }
    assert!(!folder.path().join("module.wasm").exists());
}

#[test]
fn a_credential_helper_is_asked() {
    let registry = Service::registry_with_accounts(ACCOUNTS);
    let addr = registry.addr();
    let (scratch, _) = folder();
    let folder = scratch.path();
    let named = at(addr, "a/b:1").to_string();

    let without = run(folder, &["push", "layout", &named], 2);
    let said = String::from_utf8(without.stderr).unwrap();
    assert!(said.contains("401, it wants credentials"), "{said}");
    assert!(said.contains(&format!("`docker login {addr}`")), "{said}");

    let config = json!({ "credHelpers": { addr.to_string(): "of-a-test" } });
    scratch.write("config.json", &config.to_string()).unwrap();
    let missing = run(folder, &["push", "layout", &named], 2);
    let said = String::from_utf8(missing.stderr).unwrap();
    assert!(
        said.contains("their helper cannot be run; install it"),
        "{said}"
    );

    let account =
        json!({ "ServerURL": addr.to_string(), "Username": "me", "Secret": "open sesame" });
    helper(
        &scratch,
        &format!("[ \"$(cat)\" = '{addr}' ] && echo '{account}'"),
    );
    answer(folder, &["push", "layout", &named]);
    answer(folder, &["verify", &named]);
}

#[test]
fn a_helper_that_fails_is_named_and_not_repeated() {
    let registry = Service::registry_with_accounts(ACCOUNTS);
    let (scratch, _) = folder();
    let config = json!({ "credsStore": "of-a-test" });
    scratch.write("config.json", &config.to_string()).unwrap();
    let named = at(registry.addr(), "a/b:1").to_string();
    let failing = |says: &str| {
        helper(&scratch, &format!("cat >&2; echo '{says}'; exit 1"));
        let output = run(scratch.path(), &["push", "layout", &named], 2);
        String::from_utf8(output.stderr).unwrap()
    };

    let locked = failing("the keychain of hush hush is locked");
    assert!(
        locked.contains("the helper `docker-credential-of-a-test` failed; run"),
        "{locked}"
    );
    assert!(!locked.contains("hush"), "{locked}");
    let empty = failing("credentials not found in native keychain");
    assert!(
        empty.contains("Docker's configuration has none for it"),
        "{empty}"
    );
}
