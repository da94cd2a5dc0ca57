//! What a test run came to: one table, and the two totals that everything is judged by.

use std::fmt::Write;
use std::time::Duration;

use crate::counts::Counts;
use crate::slowest;
use crate::test_run::Part;

#[derive(Default)]
pub(crate) struct Summary {
    rows: Vec<Row>,
    remarks: Vec<String>,
    /// What each failed test said, as it is shown.
    failures: String,
    /// What each test took.
    tests: Vec<(Duration, String)>,
}

struct Row {
    step: String,
    outcome: Outcome,
    took: Duration,
    counts: Option<Counts>,
    /// What the time went into, where that is known.
    parts: Vec<(String, Duration)>,
}

enum Outcome {
    Ok,
    Failed(String),
    /// Something before it failed, so that it would prove nothing.
    NotRun(String),
    NotNeeded,
}

impl Summary {
    pub(crate) fn check(&mut self, step: &str, took: Duration, result: Result<(), String>) {
        let outcome = match result {
            Ok(()) => Outcome::Ok,
            Err(problem) => Outcome::Failed(problem),
        };
        self.push(step, outcome, took, None);
    }

    /// Says what the time of the step before went into.
    pub(crate) fn parts(&mut self, parts: Vec<(String, Duration)>) {
        if let Some(row) = self.rows.last_mut() {
            row.parts = parts;
        }
    }

    /// `problem` is why the run is not to be trusted although no test failed.
    pub(crate) fn tests(&mut self, step: &str, parts: Vec<Part>, problem: Option<String>) {
        let took = parts.iter().map(|part| part.took).sum();
        let mut counts = Counts::default();
        let mut problems = Vec::new();
        let mut not_run = 0;
        for part in &parts {
            counts.add(part.counts.unwrap_or_default());
            not_run += part.not_run.len() as u64;
            let said = [("not run", &part.not_run), ("in part", &part.run_in_part)];
            for (what, tests) in said {
                let said = tests.iter().map(|test| format!("{step}: {what}: {test}"));
                self.remarks.extend(said);
            }
            for failed in &part.failed {
                let place = format!("{step}: {}", part.name);
                failed.show(&place, &mut self.failures);
            }
            let tests = part.tests.iter();
            let tests = tests.map(|(name, took)| (*took, format!("{}: {name}", part.name)));
            self.tests.extend(tests);
            if part.counts.is_none() {
                problems.push(format!("{} ended without a result", part.name));
            }
        }
        counts.passed = counts.passed.saturating_sub(not_run);
        if counts.failed > 0 {
            problems.push(format!("{} of its tests failed", counts.failed));
        }
        if counts.ignored > 0 {
            problems.push(format!(
                "{} ignored, and tests must not be skipped quietly",
                counts.ignored
            ));
        }
        if problems.is_empty() {
            problems.extend(problem);
        }
        if problems.is_empty() && counts.passed == 0 {
            problems.push("no test ran".to_owned());
        }
        let outcome = if problems.is_empty() {
            Outcome::Ok
        } else {
            Outcome::Failed(problems.join("; "))
        };
        self.push(step, outcome, took, Some(counts));
        let parts = parts.into_iter().map(|part| (part.name, part.took));
        self.parts(parts.collect());
    }

    pub(crate) fn not_run(&mut self, step: &str, why: &str) {
        let outcome = Outcome::NotRun(format!("not run: {why}"));
        self.push(step, outcome, Duration::ZERO, None);
    }

    pub(crate) fn not_needed(&mut self, step: &str) {
        self.push(step, Outcome::NotNeeded, Duration::ZERO, None);
    }

    pub(crate) fn remark(&mut self, remark: String) {
        self.remarks.push(remark);
    }

    fn push(&mut self, step: &str, outcome: Outcome, took: Duration, counts: Option<Counts>) {
        self.rows.push(Row {
            step: step.to_owned(),
            outcome,
            took,
            counts,
            parts: Vec::new(),
        });
    }

    /// Tests that passed, and everything that failed. A step that failed without a failing test
    /// counts as one, so that the second is 0 only when all is well.
    pub(crate) fn totals(&self) -> (u64, u64) {
        let mut passed = 0;
        let mut failed = 0;
        for row in &self.rows {
            let counts = row.counts.unwrap_or_default();
            let bad = counts.failed + counts.ignored;
            passed += counts.passed;
            failed += match row.outcome {
                Outcome::Ok | Outcome::NotNeeded => bad,
                Outcome::Failed(_) | Outcome::NotRun(_) => bad.max(1),
            };
        }
        (passed, failed)
    }

    /// What took how long: steps, or parts of steps where those are known.
    fn times(&self) -> Vec<(Duration, String)> {
        let mut all = Vec::new();
        for row in &self.rows {
            if row.parts.is_empty() && !row.took.is_zero() {
                all.push((row.took, row.step.clone()));
            }
            let parts = row.parts.iter();
            all.extend(parts.map(|(name, took)| (*took, format!("{}: {name}", row.step))));
        }
        all
    }

    /// Table, what went wrong, remarks, what took longest, the tests that failed, and the totals as the
    /// last line.
    pub(crate) fn text(&self) -> String {
        let mut text = self.table();
        if !text.ends_with("\n\n") {
            text.push('\n');
        }
        text.push_str(&slowest::table("slowest", &self.times()));
        if !self.tests.is_empty() {
            text.push_str(&slowest::table("slowest tests", &self.tests));
        }
        if !self.failures.is_empty() {
            text.push_str(&self.failures);
            text.push('\n');
        }
        let (passed, failed) = self.totals();
        let _ = writeln!(text, "{passed} passed, {failed} failed");
        text
    }

    /// Table, what went wrong, and remarks.
    pub(crate) fn table(&self) -> String {
        let width = self.rows.iter().map(|row| row.step.len()).max();
        let width = width.unwrap_or(0).max("step".len());
        let mut text = format!(
            "{:width$}  {:10}  {:>7}  {:>6}  {:>6}\n",
            "step", "result", "seconds", "passed", "failed"
        );
        for row in &self.rows {
            let result = match row.outcome {
                Outcome::Ok => "ok",
                Outcome::Failed(_) => "FAILED",
                Outcome::NotRun(_) => "NOT RUN",
                Outcome::NotNeeded => "not needed",
            };
            let (passed, failed) = match row.counts {
                Some(counts) => (counts.passed.to_string(), counts.failed.to_string()),
                None => (String::new(), String::new()),
            };
            let line = format!(
                "{:width$}  {result:10}  {:>7.1}  {passed:>6}  {failed:>6}",
                row.step,
                row.took.as_secs_f64()
            );
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text.push('\n');
        for row in &self.rows {
            if let Outcome::Failed(why) | Outcome::NotRun(why) = &row.outcome {
                // The first line names the problem; the rest went by when the step ran.
                let why = why.lines().next().unwrap_or_default();
                let _ = writeln!(text, "{}: {why}", row.step);
            }
        }
        for remark in &self.remarks {
            let _ = writeln!(text, "{remark}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Summary;
    use crate::counts::{Counts, counts};
    use crate::test_run::Part;
    use std::time::Duration;

    /// A run of so many seconds.
    fn part(name: &str, seconds: u64, counts: Option<Counts>) -> Part {
        Part {
            library: "library".to_owned(),
            name: name.to_owned(),
            took: Duration::from_secs(seconds),
            counts,
            ..Part::default()
        }
    }

    fn ran(passed: u64, failed: u64, ignored: u64) -> Vec<Part> {
        vec![part("tests/a.rs", 0, Some(counts(passed, failed, ignored)))]
    }

    #[test]
    fn the_table_and_the_last_line() {
        let mut summary = Summary::default();
        summary.check("format", Duration::from_millis(1240), Ok(()));
        let mut run = vec![
            part("tests/a.rs", 1, Some(counts(2, 0, 0))),
            part("tests/b.rs", 60, Some(counts(310, 0, 0))),
        ];
        run[1].tests = vec![("c::d".to_owned(), Duration::from_secs(40))];
        summary.tests("unit tests", run, None);
        summary.not_needed("smoke tests as a process");
        summary.remark("engine: containers".to_owned());
        assert_eq!(
            summary.text(),
            "step                      result      seconds  passed  failed\n\
             format                    ok              1.2\n\
             unit tests                ok             61.0     312       0\n\
             smoke tests as a process  not needed      0.0\n\
             \n\
             engine: containers\n\
             \n\
             seconds  slowest\n   60.0  unit tests: tests/b.rs\n    1.2  format\n    1.0  unit tests: tests/a.rs\n\
             \n\
             seconds  slowest tests\n   40.0  tests/b.rs: c::d\n\
             \n\
             312 passed, 0 failed\n"
        );
    }

    #[test]
    fn what_was_not_run_is_listed_and_not_counted_as_passed() {
        let mut summary = Summary::default();
        let mut run = ran(5, 0, 0);
        run[0].not_run = vec!["a::b: Envoy 1.37.0 has no x".to_owned()];
        run[0].run_in_part = vec!["a::c: Envoy 1.37.0 has no y".to_owned()];
        summary.tests("Envoy 1.37.0", run, None);
        let text = summary.text();
        let line = "\nEnvoy 1.37.0: not run: a::b: Envoy 1.37.0 has no x\n\
                    Envoy 1.37.0: in part: a::c: Envoy 1.37.0 has no y\n";
        assert!(text.contains(line), "{text}");
        assert!(text.ends_with("\n4 passed, 0 failed\n"), "{text}");
    }

    #[test]
    fn whatever_fails_shows_in_the_totals() {
        let mut summary = Summary::default();
        summary.check("format", Duration::ZERO, Err("a\nb".to_owned()));
        summary.not_run("integration", "the build failed");
        summary.tests("failing", ran(5, 2, 0), None);
        summary.tests("skipping", ran(5, 0, 3), None);
        summary.tests("crashed", ran(1, 0, 0), Some("signal".to_owned()));
        summary.tests("empty", ran(0, 0, 0), None);
        assert_eq!(summary.totals(), (11, 9));
        let text = summary.text();
        assert!(text.contains("format: a\nintegration: not run: the build failed\n"));
        assert!(text.contains("skipping: 3 ignored, and tests must not be skipped quietly\n"));
        assert!(text.contains("crashed: signal\nempty: no test ran\n"));
        assert!(text.ends_with("\n11 passed, 9 failed\n"), "{text}");
    }
}
