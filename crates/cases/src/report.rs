//! What came of a file in an engine, as text for people.

use std::fmt;
use std::path::PathBuf;

use crate::case::{Case, Suite};
use crate::compare::{Difference, compare};
use crate::engine::{Configured, Covered, Engine, EngineError};
use crate::file::File;

/// What came of all suites of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The file.
    pub path: PathBuf,
    /// How many configurations and cases did as expected.
    pub passed: usize,
    /// The cases that the engine cannot be made to meet.
    pub not_run: Vec<NotRun>,
    /// What did otherwise.
    pub failures: Vec<Failure>,
    /// Of each configuration in force its rules, and whether a case reached them.
    pub rules: Vec<Rules>,
}

/// The rules of a suite's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The description of the suite.
    pub suite: String,
    /// Each, where the engine tells them.
    pub rules: Vec<Covered>,
}

/// A case that an engine cannot be made to meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRun {
    /// The description of its suite.
    pub suite: String,
    /// Its name.
    pub case: String,
    /// Why: what it fixes.
    pub why: String,
}

/// A configuration or a case that did not do as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The description of its suite.
    pub suite: String,
    /// The name of the case, where it is not about the configuration.
    pub case: Option<String>,
    /// What is wrong.
    pub problem: Problem,
}

/// In what a configuration or a case did not do as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The errors of the configuration; nothing where it was taken.
    Refused {
        /// As they should be.
        expected: Vec<String>,
        /// As they are.
        seen: Vec<String>,
    },
    /// The warnings of the configuration.
    Warned {
        /// As they should be.
        expected: Vec<String>,
        /// As they are.
        seen: Vec<String>,
    },
    /// What came of a request.
    Differs(Vec<Difference>),
    /// The engine cannot tell.
    Engine(EngineError),
}

impl Report {
    /// A report of this file, of which nothing was run yet.
    #[must_use]
    pub fn of(file: &File) -> Self {
        Report {
            path: file.path.clone(),
            ..Report::default()
        }
    }

    /// Whether all did as expected.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Runs every suite of a file in the engine that `load` makes of each, such as
/// [`natively`](crate::natively).
pub fn run(file: &File, load: &dyn Fn(&str, &Suite) -> Result<Configured, EngineError>) -> Report {
    let mut report = Report::of(file);
    for suite in &file.suites {
        report.add(suite, load(suite.filter_in(file), suite));
    }
    report
}

/// Runs one case and compares.
///
/// # Errors
/// Says what differs.
pub fn check(case: &Case, engine: &dyn Engine) -> Result<(), Problem> {
    let seen = engine.run(case).map_err(Problem::Engine)?;
    let differences = compare(&case.expect, &seen, engine.grain());
    if differences.is_empty() {
        return Ok(());
    }
    Err(Problem::Differs(differences))
}

impl Report {
    /// Adds what came of one suite's configuration, and runs its cases.
    pub fn add(&mut self, suite: &Suite, configured: Result<Configured, EngineError>) {
        match configured {
            Err(error) => self.note(suite, None, Err(Problem::Engine(error))),
            Ok(Configured::Refused(seen)) => {
                let expected = suite.refused.clone();
                let same = expected == seen;
                let problem = Problem::Refused { expected, seen };
                self.note(suite, None, same.then_some(()).ok_or(problem));
            }
            Ok(Configured::InForce { .. }) if !suite.refused.is_empty() => {
                let problem = Problem::Refused {
                    expected: suite.refused.clone(),
                    seen: Vec::new(),
                };
                self.note(suite, None, Err(problem));
            }
            Ok(Configured::InForce { engine, warnings }) => {
                let expected = suite.warnings.clone();
                let same = suite.any_warnings || expected == warnings;
                let problem = Problem::Warned {
                    expected,
                    seen: warnings,
                };
                self.note(suite, None, same.then_some(()).ok_or(problem));
                for case in &suite.cases {
                    match engine.unmet(case) {
                        None => self.note(suite, Some(case), check(case, &*engine)),
                        Some(why) => self.not_run.push(NotRun {
                            suite: suite.description.clone(),
                            case: case.name.clone(),
                            why,
                        }),
                    }
                }
                self.rules.push(Rules {
                    suite: suite.description.clone(),
                    rules: engine.rules(),
                });
            }
        }
    }

    fn note(&mut self, suite: &Suite, case: Option<&Case>, result: Result<(), Problem>) {
        match result {
            Ok(()) => self.passed += 1,
            Err(problem) => self.failures.push(Failure {
                suite: suite.description.clone(),
                case: case.map(|case| case.name.clone()),
                problem,
            }),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            write!(f, "{}: {}", self.path.display(), failure.suite)?;
            if let Some(case) = &failure.case {
                write!(f, ": {case}")?;
            }
            writeln!(f)?;
            for line in failure.problem.to_string().lines() {
                writeln!(f, "  {line}")?;
            }
        }
        let failed = self.failures.len();
        write!(f, "{} passed, {failed} failed", self.passed)?;
        if !self.not_run.is_empty() {
            write!(f, ", {} cannot be run here", self.not_run.len())?;
        }
        writeln!(f)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Refused { expected, seen } if seen.is_empty() => {
                writeln!(f, "the configuration was taken, and not refused with")?;
                lines(f, "", expected)
            }
            Problem::Refused { expected, seen } => {
                writeln!(f, "the configuration was refused")?;
                both(f, expected, seen)
            }
            Problem::Warned { expected, seen } => {
                writeln!(f, "the warnings are others")?;
                both(f, expected, seen)
            }
            Problem::Differs(differences) => {
                for difference in differences {
                    writeln!(f, "{difference}")?;
                }
                Ok(())
            }
            Problem::Engine(error) => writeln!(f, "{error}"),
        }
    }
}

/// The lines that are on one side only.
fn both(f: &mut fmt::Formatter<'_>, expected: &[String], seen: &[String]) -> fmt::Result {
    let without = |all: &[String], others: &[String]| -> Vec<String> {
        let alone = all.iter().filter(|line| !others.contains(line));
        alone.cloned().collect()
    };
    let (missing, more) = (without(expected, seen), without(seen, expected));
    if missing.is_empty() && more.is_empty() {
        writeln!(f, "the same lines, in another order or number:")?;
        return lines(f, "", seen);
    }
    lines(f, "expected, and not seen: ", &missing)?;
    lines(f, "seen, and not expected: ", &more)
}

fn lines(f: &mut fmt::Formatter<'_>, before: &str, lines: &[String]) -> fmt::Result {
    for line in lines {
        writeln!(f, "{before}{line}")?;
    }
    Ok(())
}
