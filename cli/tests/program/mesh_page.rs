//! `docs/mesh.md`: it has every verb of `mesh-filters mesh`, and what it says of bad input is what is said.

use std::path::{Path, PathBuf};

use crate::harness::{ended, program, run, text};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page() -> String {
    std::fs::read_to_string(repository().join("docs/mesh.md")).unwrap()
}

#[test]
fn the_page_has_every_verb() {
    let help = run(&repository(), &["mesh", "--help"]);
    ended(&help, 0);
    let help = text(&help.stdout);
    let verbs = help
        .split("Commands:")
        .nth(1)
        .and_then(|rest| rest.split("Options:").next())
        .expect("commands in the help");
    // A longer text goes on in lines that are set further in.
    let verbs = verbs
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let verbs: Vec<&str> = verbs
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(verbs.contains(&"up") && verbs.len() >= 7, "{verbs:?}");
    let page = page();
    for verb in verbs {
        assert!(page.contains(&format!("\n| `{verb}")), "{verb}");
    }
}

#[test]
fn a_circle_of_calls_is_told_as_the_page_says() {
    let page = page();
    let command = "$ mesh-filters mesh up -f envoy-configs/mesh/bookinfo.yaml --calls ratings-v1=productpage; echo $?\n";
    let said = page.split(command).nth(1).expect("the command");
    let said: Vec<&str> = said.lines().take(2).collect();
    let words = command.trim_start_matches("$ mesh-filters ");
    let words = words.split(';').next().expect("a command");
    // It is told before any Envoy starts.
    let ended = program(&repository())
        .args(words.split(' '))
        .env("ENVOY_BIN", env!("CARGO_BIN_EXE_mesh-filters"))
        .output()
        .unwrap();
    let code = ended.status.code().map(|code| code.to_string());
    assert_eq!(
        [text(&ended.stderr).trim_end(), &code.unwrap_or_default()],
        said.as_slice()
    );
}
