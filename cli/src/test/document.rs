//! What came of it, for programs.

use cases::{Difference, Problem};
use serde_json::{Value, json};

use super::coverage::Coverage;
use super::run::{Came, Check, FileRun, Run, shown};

/// One document, with every case.
pub(super) fn document(run: &Run, coverage: Option<&Coverage>) -> Value {
    let files: Vec<Value> = run.files.iter().map(file).collect();
    json!({
        "passed": run.passed(),
        "failed": run.failed(),
        "notRun": run.not_run(),
        "files": files,
        "coverage": coverage.map(covered),
    })
}

fn file(file: &FileRun) -> Value {
    json!({
        "path": shown(&file.path),
        "passed": file.passed(),
        "failed": file.failed(),
        "notRun": file.not_run().count(),
        "cases": file.checks.iter().map(check).collect::<Vec<_>>(),
    })
}

fn check(check: &Check) -> Value {
    let (result, problem, why) = match &check.result {
        Came::AsExpected => ("passed", None, None),
        Came::Otherwise(problem) => ("failed", Some(problem), None),
        Came::NotRun(why) => ("not run", None, Some(why)),
    };
    let differences = match problem {
        Some(Problem::Differs(differences)) => differences.as_slice(),
        _ => &[],
    };
    json!({
        "suite": check.suite,
        // Null for the suite's configuration.
        "case": check.case,
        "result": result,
        // Null unless it was not run.
        "why": why,
        "problem": problem.map(ToString::to_string),
        "differences": differences.iter().map(difference).collect::<Vec<_>>(),
    })
}

fn difference(difference: &Difference) -> Value {
    json!({
        "of": difference.of,
        "expected": difference.expected,
        "seen": difference.seen,
    })
}

fn covered(coverage: &Coverage) -> Value {
    let unreached = coverage.unreached().map(|(place, rule)| {
        json!({
            "file": place.file,
            "suite": place.suite,
            "filter": rule.filter,
            "rule": rule.rule,
        })
    });
    json!({
        "rules": coverage.rules(),
        "reached": coverage.reached(),
        "percent": coverage.percent(),
        "unreached": unreached.collect::<Vec<_>>(),
    })
}
