//! `mesh-filters image`, run as people run it.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::{ended, run, text};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

/// A folder with a module that Envoy would load, by the name of one of ours.
fn folder(name: &str) -> TempDir {
    let folder = tempdir().unwrap();
    let wasm = wat::parse_str(
        r#"(module
             (func (export "proxy_abi_version_0_2_1"))
             (func (export "malloc") (param i32) (result i32) (i32.const 1024)))"#,
    );
    fs::write(folder.path().join(name), wasm.unwrap()).unwrap();
    folder
}

#[test]
fn what_is_built_is_verified_and_has_checksums() {
    let folder = folder("rate-limit.wasm");
    let built = run(
        folder.path(),
        &["image", "build", "rate-limit.wasm", "--format", "json"],
    );
    ended(&built, 0);
    let built: Value = serde_json::from_slice(&built.stdout).unwrap();
    let layouts = &built["images"][0]["layouts"];
    for kind in ["compat", "docker", "artifact"] {
        let path = format!("dist/oci/rate-limit/{kind}");
        let verified = run(
            folder.path(),
            &["image", "verify", &path, "--format", "json"],
        );
        ended(&verified, 0);
        let verified: Value = serde_json::from_slice(&verified.stdout).unwrap();
        let image = &verified["images"][0];
        assert_eq!(image["layout"], kind);
        assert_eq!(image["digest"], layouts[kind]);
        assert_eq!(image["filter"], "rate-limit");
        assert_eq!(image["version"], env!("CARGO_PKG_VERSION"));
    }
    let sums = Command::new("sha256sum")
        .args(["--check", "--strict", "SHA256SUMS"])
        .current_dir(folder.path().join("dist/oci"))
        .output();
    let sums = sums.expect("`sha256sum`, of GNU coreutils");
    ended(&sums, 0);
    assert_eq!(
        text(&sums.stdout).lines().count(),
        4,
        "three manifests and the module"
    );
}

#[test]
fn building_again_gives_the_same_files() {
    let folder = folder("rate-limit.wasm");
    for out in ["one", "two"] {
        ended(
            &run(
                folder.path(),
                &["image", "build", "rate-limit.wasm", "--out", out],
            ),
            0,
        );
    }
    let differ = Command::new("diff")
        .args(["--recursive", "one", "two"])
        .current_dir(folder.path())
        .output();
    ended(&differ.expect("`diff`, of GNU diffutils"), 0);
}

#[test]
fn a_bill_of_materials_is_made_of_what_cargo_says() {
    let folder = folder("rate-limit.wasm");
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("trees")).unwrap();
    let tree = "0rate-limit-module v0.1.0 (/home)|MIT\n1log v0.4.35|MIT OR Apache-2.0\n";
    fs::write(at("trees/rate-limit.txt"), tree).unwrap();
    let lock = "[[package]]\nname = \"log\"\nversion = \"0.4.35\"\nsource = \"registry+x\"\nchecksum = \"aa\"\n";
    fs::write(at("Cargo.lock"), lock).unwrap();
    let words = [
        "image",
        "build",
        "rate-limit.wasm",
        "--dependencies",
        "trees",
        "--lock",
        "Cargo.lock",
    ];
    ended(&run(folder.path(), &words), 0);
    let bill = fs::read(at("dist/oci/rate-limit/sbom.cdx.json")).unwrap();
    let bill: Value = serde_json::from_slice(&bill).unwrap();
    assert_eq!(bill["components"][0]["purl"], "pkg:cargo/log@0.4.35");
    assert!(
        fs::read_to_string(at("dist/oci/SHA256SUMS"))
            .unwrap()
            .contains("rate-limit/sbom.cdx.json")
    );
    fs::remove_file(at("trees/rate-limit.txt")).unwrap();
    let missing = run(folder.path(), &words);
    ended(&missing, 2);
    assert!(text(&missing.stderr).contains("trees/rate-limit.txt"));
}

#[test]
fn a_file_that_is_no_module_is_found_and_named() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("rate-limit.wasm"), "hello").unwrap();
    let built = run(folder.path(), &["image", "build", "rate-limit.wasm"]);
    ended(&built, 1);
    let said = text(&built.stderr);
    assert!(
        said.starts_with("refused rate-limit.wasm: the file is no wasm"),
        "{said}"
    );
    assert!(!folder.path().join("dist/oci/SHA256SUMS").exists());
}

#[test]
fn a_filter_of_somebody_elses_needs_its_version() {
    let folder = folder("theirs.wasm");
    let built = run(folder.path(), &["image", "build", "theirs.wasm"]);
    ended(&built, 2);
    assert!(text(&built.stderr).contains("say its `--version`"));
    ended(
        &run(
            folder.path(),
            &["image", "build", "theirs.wasm", "--version", "3.1.0"],
        ),
        0,
    );
    let path = "dist/oci/theirs/compat";
    let verified = run(folder.path(), &["image", "verify", path]);
    ended(&verified, 0);
    let said = text(&verified.stdout);
    assert!(
        said.starts_with(&format!("good    {path}\n")),
        "no colours in a pipe: {said}"
    );
    assert!(said.contains("theirs 3.1.0"), "{said}");
}

#[test]
fn a_refused_image_ends_with_1_and_says_how_to_mend_it() {
    let folder = folder("rate-limit.wasm");
    ended(
        &run(folder.path(), &["image", "build", "rate-limit.wasm"]),
        0,
    );
    let path = "dist/oci/rate-limit/compat";
    let other = "0".repeat(64);
    let words = ["image", "verify", path, "--sha256", &other];
    let refused = run(folder.path(), &words);
    ended(&refused, 1);
    assert!(text(&refused.stdout).contains("the digest of the manifest"));
    let refused = run(folder.path(), &[&words[..], &["--format", "json"]].concat());
    ended(&refused, 1);
    let refused: Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!(refused["images"][0]["taken"], false);
    assert_eq!(refused["images"][0]["code"], "other_image");
    let small = run(
        folder.path(),
        &["image", "verify", path, "--max-size", "10"],
    );
    ended(&small, 1);
    let others = run(folder.path(), &["image", "verify", "no/such", path]);
    ended(&others, 2);
    assert!(
        text(&others.stdout).contains("good    "),
        "the others are looked at"
    );
}

#[test]
fn what_cannot_be_done_ends_with_2() {
    let folder = folder("rate-limit.wasm");
    for (words, said) in [
        (
            &["image", "verify", "no/such"][..],
            "no such file or folder",
        ),
        (&["image", "verify", "."], "it has no file `oci-layout`"),
        (
            &["image", "verify", "rate-limit.wasm"],
            "`mesh-filters image build` makes one of it",
        ),
        (
            &["image", "build", "missing.wasm"],
            "missing.wasm: No such file",
        ),
        (
            &["image", "verify", "x", "--sha256", "00"],
            "64 lower-case hex digits",
        ),
        (&["imgae"], "similar"),
        (
            &["image", "push", "rate-limit.wasm", "oci://127.0.0.1:1/x:1"],
            "a module and no image",
        ),
        (
            &["image", "pull", "Not a reference", "out.wasm"],
            "Not a reference",
        ),
    ] {
        let output = run(folder.path(), words);
        ended(&output, 2);
        assert!(
            text(&output.stderr).contains(said),
            "{words:?}: {}",
            text(&output.stderr)
        );
    }
}

#[test]
fn help_is_on_standard_output_and_fine() {
    for words in [&["--help"][..], &["image", "build", "--help"]] {
        let help = run(Path::new("."), words);
        ended(&help, 0);
        assert!(text(&help.stdout).contains("Usage: mesh-filters"));
    }
}
