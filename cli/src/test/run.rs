//! What came of all files.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cases::{File, Problem, Report, Rules, Suite};

use super::engine::Engine;
use crate::ending::Failure;

/// Of all files.
pub(super) struct Run {
    pub(super) files: Vec<FileRun>,
}

/// Of one file.
pub(super) struct FileRun {
    pub(super) path: PathBuf,
    pub(super) checks: Vec<Check>,
    /// Of each suite, in order.
    pub(super) rules: Vec<Rules>,
    pub(super) time: Duration,
}

/// Of a case, or of a suite's configuration.
pub(super) struct Check {
    pub(super) suite: String,
    /// None where it is of the configuration.
    pub(super) case: Option<String>,
    /// What came of it.
    pub(super) result: Came,
}

/// What came of a check.
pub(super) enum Came {
    AsExpected,
    Otherwise(Problem),
    /// Nothing: the engine cannot run it, for this reason.
    NotRun(String),
}

impl Run {
    /// Runs them.
    pub(super) fn of(files: &[File], engine: Engine<'_>) -> Result<Self, Failure> {
        let files = files.iter().map(|file| {
            let begun = Instant::now();
            let report = engine.run(file)?;
            Ok(FileRun {
                path: file.path.clone(),
                time: begun.elapsed(),
                checks: checks(file, &report),
                rules: report.rules,
            })
        });
        Ok(Run {
            files: files.collect::<Result<_, Failure>>()?,
        })
    }

    pub(super) fn passed(&self) -> usize {
        self.files.iter().map(FileRun::passed).sum()
    }

    pub(super) fn failed(&self) -> usize {
        self.files.iter().map(FileRun::failed).sum()
    }

    pub(super) fn not_run(&self) -> usize {
        self.files.iter().map(|file| file.not_run().count()).sum()
    }
}

impl FileRun {
    pub(super) fn passed(&self) -> usize {
        let is_passed = |check: &&Check| matches!(check.result, Came::AsExpected);
        self.checks.iter().filter(is_passed).count()
    }

    pub(super) fn failed(&self) -> usize {
        self.failures().count()
    }

    pub(super) fn failures(&self) -> impl Iterator<Item = (&Check, &Problem)> {
        let checks = self.checks.iter();
        checks.filter_map(|check| match &check.result {
            Came::Otherwise(problem) => Some((check, problem)),
            _ => None,
        })
    }

    /// The checks that the engine cannot run, and why.
    pub(super) fn not_run(&self) -> impl Iterator<Item = (&Check, &str)> {
        let checks = self.checks.iter();
        checks.filter_map(|check| match &check.result {
            Came::NotRun(why) => Some((check, why.as_str())),
            _ => None,
        })
    }
}

impl Check {
    /// `suite: case`, or the suite alone.
    pub(super) fn name(&self) -> String {
        match &self.case {
            Some(case) => format!("{}: {case}", self.suite),
            None => self.suite.clone(),
        }
    }
}

/// The configuration of each suite, and its cases where the configuration is in force.
fn checks(file: &File, report: &Report) -> Vec<Check> {
    let check = |suite: &Suite, case: Option<&str>| Check {
        suite: suite.description.clone(),
        case: case.map(str::to_owned),
        result: came(report, suite, case),
    };
    let in_force = |suite: &Suite| report.rules.iter().any(|it| it.suite == suite.description);
    let mut all = Vec::new();
    for suite in &file.suites {
        all.push(check(suite, None));
        if in_force(suite) {
            all.extend(
                suite
                    .cases
                    .iter()
                    .map(|case| check(suite, Some(&case.name))),
            );
        }
    }
    all
}

fn came(report: &Report, suite: &Suite, case: Option<&str>) -> Came {
    let suite = &suite.description;
    let mut failures = report.failures.iter();
    let failure = failures.find(|it| it.suite == *suite && it.case.as_deref() == case);
    if let Some(failure) = failure {
        return Came::Otherwise(failure.problem.clone());
    }
    let mut not_run = report.not_run.iter();
    match not_run.find(|it| it.suite == *suite && Some(it.case.as_str()) == case) {
        Some(it) => Came::NotRun(it.why.clone()),
        None => Came::AsExpected,
    }
}

/// A path as it is shown.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}
