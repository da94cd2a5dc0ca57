//! The steps of a test run: each announced, timed, and put down for the summary.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use crate::compile::Programs;
use crate::summary::Summary;
use crate::test_run::{self, Part};
use crate::{compile, process};

/// A run of so many steps.
pub(crate) struct Steps {
    pub(crate) summary: Summary,
    started: usize,
    count: usize,
}

/// Work that was done, and how long it took.
pub(crate) struct Done {
    took: Duration,
    pub(crate) result: Result<(), String>,
}

impl Done {
    pub(crate) fn of(work: impl FnOnce() -> Result<(), String>) -> Self {
        let start = Instant::now();
        let result = work();
        let took = start.elapsed();
        Self { took, result }
    }
}

impl Steps {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            summary: Summary::default(),
            started: 0,
            count,
        }
    }

    /// One that is well or is not.
    pub(crate) fn check(&mut self, step: &str, work: impl FnOnce() -> Result<(), String>) -> bool {
        self.announce(step, "");
        self.done(step, Done::of(work))
    }

    /// One whose work was done while another went on.
    pub(crate) fn beside(&mut self, step: &str, other: &str, done: Done) -> bool {
        self.announce(step, &format!("beside {other}"));
        self.done(step, done)
    }

    fn done(&mut self, step: &str, Done { took, result }: Done) -> bool {
        if let Err(problem) = &result {
            eprintln!("{problem}");
        }
        self.over(step, took, result)
    }

    /// Announces more steps than there seemed to be.
    pub(crate) fn more(&mut self, count: usize) {
        self.count += count;
    }

    /// Compiles, which is one step, and tells what was linted meanwhile, which is another. The programs
    /// that were compiled, if all was.
    pub(crate) fn compile(
        &mut self,
        [compile, lints]: [&str; 2],
        cargo: &mut Command,
    ) -> Option<Programs> {
        self.announce(compile, &process::line(cargo));
        let start = Instant::now();
        let (told, result) = compile::run(cargo);
        let compiled = self.over(compile, start.elapsed(), result);
        match told.lints() {
            // What does not compile has not been linted.
            Ok(()) if !compiled => self.not_run(lints, "not all compiles"),
            found => {
                self.announce(lints, "told while compiling");
                self.over(lints, Duration::ZERO, found);
            }
        }
        compiled.then_some(told.programs)
    }

    /// Runs tests: the binaries, and why the run is not to be trusted although none says so.
    pub(crate) fn stream(
        &mut self,
        step: &str,
        command: &mut Command,
    ) -> (Vec<Part>, Option<String>) {
        self.announce(step, &process::line(command));
        match test_run::stream(command, &mut std::io::stdout()) {
            Ok((parts, status)) => {
                let told = parts
                    .iter()
                    .any(|part| part.counts.is_none_or(|c| c.failed > 0));
                let problem = (!status.success() && !told).then(|| process::ending(status));
                (parts, problem)
            }
            Err(problem) => (Vec::new(), Some(problem)),
        }
    }

    pub(crate) fn not_run(&mut self, step: &str, why: &str) {
        self.announce(step, why);
        self.summary.not_run(step, why);
    }

    pub(crate) fn not_needed(&mut self, step: &str, why: &str) {
        self.announce(step, why);
        self.summary.not_needed(step);
    }

    /// Shows the summary; the exit code says whether all is well.
    pub(crate) fn end(self) -> ExitCode {
        print!("\n{}", self.summary.text());
        match self.summary.totals() {
            (_, 0) => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }

    fn over(&mut self, step: &str, took: Duration, result: Result<(), String>) -> bool {
        let well = result.is_ok();
        println!(
            "{step}: {} in {:.1} s",
            if well { "ok" } else { "FAILED" },
            took.as_secs_f64()
        );
        self.summary.check(step, took, result);
        well
    }

    fn announce(&mut self, step: &str, what: &str) {
        self.started += 1;
        let colon = if what.is_empty() { "" } else { ": " };
        println!("\n[{}/{}] {step}{colon}{what}", self.started, self.count);
    }
}
