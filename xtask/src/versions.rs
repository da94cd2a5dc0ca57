//! `cargo xtask test --envoy`: the tests that need a module or an Envoy, with Envoys of other versions.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::compile::Linter;
use crate::engine::Engine;
use crate::steps::Steps;
use crate::test::{self, COMPILE, NOT_BUILT, NOT_COMPILED};
use crate::workspace::Workspace;
use crate::{Failure, build, process};

/// The program of `integration` that finds an Envoy or fetches it, and says its version.
const FINDER: &str = "find-envoy";
/// Says to the tests which version is meant.
const VERSION: &str = "MESH_FILTERS_ENVOY_VERSION";
const ALL: &str = "all";
/// What the tests came to on each version.
const PAGE: &str = "docs/versions.md";
/// Build, compile and lints; one more for every version.
const STEPS: usize = 3;

/// Whether all of them are versions, before any work is done for one.
pub(crate) fn check(envoys: &[String]) -> Result<(), Failure> {
    let unknown = envoys
        .iter()
        .find(|wanted| !is_version(wanted) && *wanted != ALL);
    match unknown {
        None => Ok(()),
        Some(wanted) => Err(Failure::Usage(format!(
            "test: `{wanted}` is no version of Envoy; write `1.40`, `1.40.0` or `all`"
        ))),
    }
}

/// `1.36` or `1.36.4`.
fn is_version(text: &str) -> bool {
    let mut numbers = 0;
    let well = text.split('.').all(|number| {
        numbers += 1;
        number.parse::<u32>().is_ok()
    });
    well && (2..=3).contains(&numbers)
}

/// Modules and tests are built once; then the tests run with one Envoy after another.
pub(crate) fn run(workspace: &Workspace, envoys: &[String]) -> Result<ExitCode, Failure> {
    let linter = Linter::find(&workspace.root)?;
    let mut steps = Steps::new(STEPS + named(envoys).len());
    let built = steps.check("build", || {
        build::build(workspace, &build::Options::default())
    });
    let mut cargo = test::all_targets(workspace);
    linter.compiles(&mut cargo);
    let programs = steps.compile(COMPILE, &mut cargo);
    let finder = programs.and_then(|mut programs| programs.remove(FINDER));
    let Some(finder) = finder.filter(|_| built) else {
        let why = if built { NOT_COMPILED } else { NOT_BUILT };
        for wanted in named(envoys) {
            steps.not_run(&step(wanted), why);
        }
        return Ok(steps.end());
    };
    for wanted in named(envoys) {
        match find(&finder, wanted) {
            Ok(found) => {
                steps.more(found.len().saturating_sub(1));
                for version in found {
                    suite(&mut steps, workspace, &linter, &finder, &version);
                }
            }
            Err(problem) => {
                steps.check(&step(wanted), || Err(problem));
            }
        }
    }
    let engine = Engine::find();
    steps
        .summary
        .remark(format!("Envoy ran as a {}", engine.way()));
    Ok(steps.end())
}

/// Whether the page says of the newest patch of every published version what the tests came to on it.
pub(crate) fn page_has_all(workspace: &Workspace) -> Result<(), String> {
    let mut finder = process::cargo(&workspace.root);
    finder.args([
        "run",
        "--quiet",
        "-p",
        "integration",
        "--no-default-features",
    ]);
    let published = process::read(finder.args(["--bin", FINDER, "--", ALL]))?;
    let file = workspace.root.join(PAGE);
    let page = std::fs::read_to_string(&file).map_err(|error| format!("{PAGE}: {error}"))?;
    let missing: Vec<&str> = published
        .lines()
        .filter(|version| !has_row(&page, version))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{PAGE}: its first table lacks Envoy {}; `cargo xtask test --envoy {}` says what belongs there",
        missing.join(", "),
        missing.join(" ")
    ))
}

/// Whether a row of the page's first table is about this version.
fn has_row(page: &str, version: &str) -> bool {
    let rows = page.lines().skip_while(|line| !line.starts_with('|'));
    let mut rows = rows.take_while(|line| line.starts_with('|'));
    rows.any(|row| {
        let first = row.split('|').nth(1).unwrap_or_default();
        first.split(',').any(|named| named.trim() == version)
    })
}

/// Each version that is wanted; the one of the environment where none is named.
fn named(envoys: &[String]) -> Vec<Option<&str>> {
    if envoys.is_empty() {
        return vec![None];
    }
    envoys.iter().map(|wanted| Some(wanted.as_str())).collect()
}

fn step(version: Option<&str>) -> String {
    format!("Envoy {}", version.unwrap_or("of the environment"))
}

/// The exact versions that are meant: several by `all`.
fn find(finder: &Path, wanted: Option<&str>) -> Result<Vec<String>, String> {
    let found = process::read(Command::new(finder).args(wanted))?;
    Ok(found.lines().map(str::to_owned).collect())
}

/// The tests with one Envoy.
fn suite(steps: &mut Steps, workspace: &Workspace, linter: &Linter, finder: &Path, version: &str) {
    let step = step(Some(version));
    // Fetched or built first: else every test would say that it cannot be.
    let there = process::read(Command::new(finder).env(VERSION, version));
    if let Err(problem) = there {
        steps.check(&step, || Err(problem));
        return;
    }
    let mut tests = test::tests(workspace, Some(linter));
    tests.args(["--test", "all", "--test", "cases"]);
    tests.env(VERSION, version);
    let (parts, problem) = steps.stream(&step, &mut tests);
    steps.summary.tests(&step, parts, problem);
}

#[cfg(test)]
mod tests {
    use super::{check, has_row, named};

    #[test]
    fn a_version_has_a_row_where_it_is_named_first() {
        let page = "# Which\n\n| Envoy | tests |\n|---|---|\n| 1.40.0 | all |\n| 1.38.2, 1.37.0 | 1.36.4 |\n\n| 1.35.0 | none |\n";
        for version in ["1.40.0", "1.38.2", "1.37.0"] {
            assert!(has_row(page, version), "{version}");
        }
        for version in ["1.36.4", "1.35.0", "1.4", ""] {
            assert!(!has_row(page, version), "{version}");
        }
    }

    #[test]
    fn versions_are_told_from_words() {
        let check = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            check(&words).is_ok()
        };
        assert!(check(&[]));
        assert!(check(&["1.36", "1.40.0", "all"]));
        for wrong in ["1", "1.36.4.1", "v1.36", "1.x", "", "--fast"] {
            assert!(!check(&["1.36", wrong]), "{wrong}");
        }
    }

    #[test]
    fn none_named_is_the_one_of_the_environment() {
        assert_eq!(named(&[]), [None]);
        let words = ["1.36".to_owned(), "all".to_owned()];
        assert_eq!(named(&words), [Some("1.36"), Some("all")]);
    }
}
