//! What came of it, for people.

use std::fmt::Write;

use cases::{Difference, Problem};

use super::coverage::Coverage;
use super::run::{FileRun, Run, shown};
use crate::output::{BAD, DOUBTFUL, GOOD};

/// A line a file, then what failed, then what was not run, then which rules no case reached. `least` is how much coverage was asked for,
/// where there is less.
pub(super) fn text(run: &Run, coverage: Option<&Coverage>, least: Option<u64>) -> String {
    let mut text = String::new();
    let width = run
        .files
        .iter()
        .map(|file| shown(&file.path).chars().count());
    let width = width.max().unwrap_or(0);
    for file in &run.files {
        let said = match file.failed() {
            0 => format!("{GOOD}ok{GOOD:#}    "),
            _ => format!("{BAD}FAILED{BAD:#}"),
        };
        let _ = writeln!(
            text,
            "{said}  {:width$}  {}",
            shown(&file.path),
            counts(file.passed(), file.failed(), file.not_run().count())
        );
    }
    for file in run.files.iter().filter(|file| file.failed() > 0) {
        failures(&mut text, file);
    }
    for file in &run.files {
        not_run(&mut text, file);
    }
    if let Some(coverage) = coverage {
        covered(&mut text, coverage, least);
    }
    let files = match run.files.len() {
        1 => "1 file".to_owned(),
        many => format!("{many} files"),
    };
    let counts = counts(run.passed(), run.failed(), run.not_run());
    let _ = writeln!(text, "\n{counts} in {files}");
    text
}

fn counts(passed: usize, failed: usize, not_run: usize) -> String {
    let mut text = format!("{passed} passed");
    for (count, what) in [(failed, "failed"), (not_run, "not run in Envoy")] {
        if count > 0 {
            let _ = write!(text, ", {count} {what}");
        }
    }
    text
}

/// What a real Envoy cannot run.
fn not_run(text: &mut String, file: &FileRun) {
    for (check, why) in file.not_run() {
        let (path, name) = (shown(&file.path), check.name());
        let _ = writeln!(
            text,
            "\n{DOUBTFUL}{path}: {name}{DOUBTFUL:#}\n  not run in Envoy: {why}"
        );
    }
}

fn failures(text: &mut String, file: &FileRun) {
    for (check, problem) in file.failures() {
        let _ = writeln!(
            text,
            "\n{BAD}{}: {}{BAD:#}",
            shown(&file.path),
            check.name()
        );
        match problem {
            Problem::Differs(differences) => side_by_side(text, differences),
            other => {
                for line in other.to_string().lines() {
                    let _ = writeln!(text, "  {line}");
                }
            }
        }
    }
}

/// Three columns: what, as it should be, as it is.
fn side_by_side(text: &mut String, differences: &[Difference]) {
    let or_nothing = |value: &Option<String>| value.clone().unwrap_or("nothing".to_owned());
    let head = ["", "expected", "seen"].map(str::to_owned);
    let rows = differences.iter().map(|it| {
        [
            it.of.clone(),
            or_nothing(&it.expected),
            or_nothing(&it.seen),
        ]
    });
    let rows: Vec<[String; 3]> = [head].into_iter().chain(rows).collect();
    let width = |of: fn(&[String; 3]) -> &String| {
        let widths = rows.iter().map(|row| of(row).chars().count());
        widths.max().unwrap_or(0)
    };
    let (first, second) = (width(|[of, _, _]| of), width(|[_, expected, _]| expected));
    for [of, expected, seen] in &rows {
        let _ = writeln!(text, "  {of:first$}  {expected:second$}  {seen}");
    }
}

fn covered(text: &mut String, coverage: &Coverage, least: Option<u64>) {
    let (reached, rules, percent) = (coverage.reached(), coverage.rules(), coverage.percent());
    let _ = writeln!(
        text,
        "\ncoverage: {reached} of {rules} rules reached, {percent} %"
    );
    for (place, rule) in coverage.unreached() {
        let _ = writeln!(
            text,
            "  no case reached {} {}, of {}: {}",
            rule.filter, rule.rule, place.file, place.suite
        );
    }
    if let Some(least) = least {
        let _ = writeln!(
            text,
            "{BAD}too few{BAD:#}: {percent} % is less than the {least} % that --min-coverage asks for"
        );
    }
}
