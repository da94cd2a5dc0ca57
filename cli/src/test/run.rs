//! What came of all files.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cases::{File, Problem, Report, Rules, Suite};

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
    /// What is not as expected.
    pub(super) problem: Option<Problem>,
}

impl Run {
    /// Runs them.
    pub(super) fn of(files: &[File]) -> Self {
        let files = files.iter().map(|file| {
            let begun = Instant::now();
            let report = cases::run(file, &cases::natively);
            FileRun {
                path: file.path.clone(),
                time: begun.elapsed(),
                checks: checks(file, &report),
                rules: report.rules,
            }
        });
        Run {
            files: files.collect(),
        }
    }

    pub(super) fn passed(&self) -> usize {
        self.files.iter().map(FileRun::passed).sum()
    }

    pub(super) fn failed(&self) -> usize {
        self.files.iter().map(FileRun::failed).sum()
    }
}

impl FileRun {
    pub(super) fn passed(&self) -> usize {
        self.checks.len().saturating_sub(self.failed())
    }

    pub(super) fn failed(&self) -> usize {
        self.failures().count()
    }

    pub(super) fn failures(&self) -> impl Iterator<Item = (&Check, &Problem)> {
        let checks = self.checks.iter();
        checks.filter_map(|check| Some((check, check.problem.as_ref()?)))
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
    let check = |suite: &Suite, case: Option<&str>| {
        let mut failures = report.failures.iter();
        let failure =
            failures.find(|it| it.suite == suite.description && it.case.as_deref() == case);
        Check {
            suite: suite.description.clone(),
            case: case.map(str::to_owned),
            problem: failure.map(|failure| failure.problem.clone()),
        }
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

/// A path as it is shown.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}
