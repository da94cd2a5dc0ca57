//! `mesh-filters completions` and `mesh-filters man`, and what is said of a mistyped word.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::{ended, run, text};
use serde_json::Value;
use tempfile::tempdir;

const VERBS: [&str; 11] = [
    "check",
    "completions",
    "convert",
    "explain",
    "image",
    "man",
    "mesh",
    "replay",
    "run",
    "schema",
    "test",
];

fn script(folder: &Path, shell: &str) -> String {
    let printed = run(folder, &["completions", shell]);
    ended(&printed, 0);
    assert_eq!(text(&printed.stderr), "");
    text(&printed.stdout)
}

/// What bash completes the last of these words to.
fn completed(script: &Path, words: &[&str]) -> Vec<String> {
    let code = r#"
        source "$1" || exit 9
        shift
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        spec=$(complete -p mesh-filters); spec=${spec#*-F }
        "${spec%% *}" mesh-filters "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let ran = Command::new("bash")
        .args(["--norc", "-c", code, "bash"])
        .arg(script)
        .args(words)
        .output();
    let ran = ran.unwrap_or_else(|error| panic!("bash is needed: {error}"));
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    text(&ran.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_verbs_options_and_values() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("mesh-filters.bash");
    fs::write(&file, script(folder.path(), "bash")).unwrap();
    let verbs = completed(&file, &["mesh-filters", ""]);
    for verb in VERBS {
        assert!(verbs.iter().any(|one| one == verb), "{verb} in {verbs:?}");
    }
    assert_eq!(completed(&file, &["mesh-filters", "ch"]), ["check"]);
    assert_eq!(
        completed(&file, &["mesh-filters", "image", "v"]),
        ["verify"]
    );
    assert_eq!(
        completed(&file, &["mesh-filters", "explain", "--name"]),
        ["--namespace"]
    );
    assert_eq!(
        completed(&file, &["mesh-filters", "check", "--deny", ""]),
        ["warnings"]
    );
}

#[test]
fn each_shell_has_a_script_that_knows_every_verb() {
    let folder = tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = script(folder.path(), shell);
        for word in VERBS.into_iter().chain(["trust-domain", "verify"]) {
            assert!(script.contains(word), "{shell}: no {word}");
        }
    }
    let said = run(folder.path(), &["completions", "fish", "--format", "json"]);
    let said: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(said["shell"], "fish");
    assert_eq!(said["script"], script(folder.path(), "fish"));
    let unknown = run(folder.path(), &["completions", "tcsh"]);
    ended(&unknown, 2);
    let told = text(&unknown.stderr);
    assert!(
        told.contains("bash, elvish, fish, powershell, zsh"),
        "{told}"
    );
}

#[test]
fn each_verb_has_a_page_with_its_options_and_examples() {
    let folder = tempdir().unwrap();
    let written = run(folder.path(), &["man", "share/man/man1"]);
    ended(&written, 0);
    let page = |name: &str| {
        let file = folder.path().join("share/man/man1").join(name);
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    };
    let pages = VERBS.map(|verb| format!("mesh-filters-{verb}.1"));
    let images = ["build", "verify", "push", "pull"];
    let images = images.map(|verb| format!("mesh-filters-image-{verb}.1"));
    let meshes = ["up", "apply", "status", "curl", "graph", "logs", "down"];
    let meshes = meshes.map(|verb| format!("mesh-filters-mesh-{verb}.1"));
    let all: Vec<&String> = pages.iter().chain(&images).chain(&meshes).collect();
    // That of the program itself is one more.
    assert_eq!(
        text(&written.stdout),
        format!("written {} pages to share/man/man1\n", all.len() + 1)
    );
    for name in all {
        let page = page(name);
        let (title, _) = name.split_once('.').unwrap();
        assert!(page.contains(&format!("\n.TH {title} 1")), "{page}");
        assert!(page.contains("\n.SH \"SEE ALSO\"\n"), "{page}");
        assert!(!page.contains("EXTRA"), "{page}");
        // Its verbs have them in its place.
        let has_examples = page.contains("\n.SH EXAMPLES\n.nf\n$ mesh\\-filters ");
        let has_verbs = ["mesh-filters-image.1", "mesh-filters-mesh.1"].contains(&name.as_str());
        assert_eq!(has_examples, !has_verbs, "{page}");
    }
    let check = page("mesh-filters-check.1");
    for option in ["deny", "fix", "format"] {
        assert!(
            check.contains(&format!("\\fB\\-\\-{option}\\fR")),
            "{check}"
        );
    }
    assert!(
        check.contains("\n.SH \"EXIT STATUS\"\n0 no errors"),
        "{check}"
    );
    let program = run(folder.path(), &["man"]);
    ended(&program, 0);
    assert_eq!(text(&program.stdout), page("mesh-filters.1"));
    for verb in VERBS {
        let entry = format!("\nmesh\\-filters\\-{verb}(1)\n");
        assert!(text(&program.stdout).contains(&entry), "{verb}");
    }
}

#[test]
fn a_folder_that_pages_cannot_be_written_to_is_named() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("taken"), "").unwrap();
    let failed = run(folder.path(), &["man", "taken/man1"]);
    ended(&failed, 2);
    assert_eq!(
        text(&failed.stderr),
        "mesh-filters: taken/man1: Not a directory (os error 20)\n"
    );
}

#[test]
fn a_mistyped_word_is_told_with_the_near_one() {
    let folder = tempdir().unwrap();
    for (words, near) in [
        (vec!["chekc"], "'check'"),
        (vec!["replya", "log"], "'replay'"),
        (vec!["image", "verfy"], "'verify'"),
        (vec!["check", "--fromat", "json", "."], "'--format'"),
        (vec!["check", "--format", "jsn", "."], "'json'"),
        (vec!["explain", "--namespce", "shop"], "'--namespace'"),
        (vec!["completions", "bsh"], "'bash'"),
    ] {
        let told = run(folder.path(), &words);
        ended(&told, 2);
        assert_eq!(text(&told.stdout), "", "{words:?}");
        let told = text(&told.stderr);
        assert!(
            told.contains("similar") && told.contains(near),
            "{words:?}: {told}"
        );
    }
}
