//! What the lines of `cargo test` tell: which test binary runs, and what became of its tests.

use std::time::Duration;

use crate::counts::Counts;
use crate::test_run::Part;
use crate::{failed, timed};

/// How a test says that it was not run, or a part of it, and why.
const NOT_RUN: &str = "not run: ";
const IN_PART: &str = "not run in part: ";
/// What the name of a library's doc tests ends with.
const DOC_TESTS: &str = " doc tests";
/// The file whose harness is another one, which starts tests in an order of its own.
const CASES: &str = "tests/cases.rs";

/// What the lines so far told.
#[derive(Default)]
pub(crate) struct Reading {
    threads: usize,
    parts: Vec<Part>,
    running: Option<Part>,
    failed: failed::Reading,
    timed: timed::Reading,
    began: Duration,
}

impl Reading {
    /// Of a run with so many tests at a time.
    pub(crate) fn of(threads: usize) -> Self {
        Self {
            threads,
            ..Self::default()
        }
    }

    /// `at` is the time since the run began.
    pub(crate) fn line(&mut self, line: &str, at: Duration) {
        if let Some(counts) = Counts::from_line(line) {
            if let Some(part) = &mut self.running {
                // The doc tests of a library come in several results.
                part.counts.get_or_insert_default().add(counts);
            }
        } else if let (Some(said), Some(part)) = (line.strip_prefix(NOT_RUN), &mut self.running) {
            part.not_run.push(said.trim_end().to_owned());
        } else if let (Some(said), Some(part)) = (line.strip_prefix(IN_PART), &mut self.running) {
            part.run_in_part.push(said.trim_end().to_owned());
        } else if let Some((library, name)) = self.binary(line) {
            self.over(at);
            self.began = at;
            self.running = Some(Part {
                library,
                name,
                ..Part::default()
            });
        } else {
            self.failed.line(line);
            self.timed.line(line, at);
        }
    }

    /// Library and name of what begins with this line: `Running <file> (<binary>)` or
    /// `Doc-tests <library>`.
    fn binary(&self, line: &str) -> Option<(String, String)> {
        let line = line.trim();
        if let Some(library) = line.strip_prefix("Doc-tests ") {
            return Some((library.to_owned(), format!("{library}{DOC_TESTS}")));
        }
        let (source, path) = line.strip_prefix("Running ")?.split_once(" (")?;
        let (_, file) = path.strip_suffix(')')?.rsplit_once('/')?;
        let (name, _hash) = file.rsplit_once('-')?;
        // Cargo names a library or program by itself, and what follows by its file alone.
        let before = self.running.as_ref().map(|part| part.library.as_str());
        match (source.strip_prefix("unittests "), before) {
            (Some("src/lib.rs" | "src/main.rs"), _) | (Some(_), None) => {
                Some((name.to_owned(), format!("{name} unit tests")))
            }
            (None, None) => Some((name.to_owned(), source.to_owned())),
            (Some(_), Some(library)) => Some((library.to_owned(), format!("{name} unit tests"))),
            (None, Some(library)) => Some((library.to_owned(), format!("{library} {source}"))),
        }
    }

    fn over(&mut self, at: Duration) {
        if let Some(mut part) = self.running.take() {
            part.took = at.saturating_sub(self.began);
            part.failed = std::mem::take(&mut self.failed).end();
            let timed = std::mem::take(&mut self.timed);
            if ![DOC_TESTS, CASES]
                .iter()
                .any(|end| part.name.ends_with(end))
            {
                part.tests = timed.end(self.threads);
            }
            self.parts.push(part);
        }
    }

    /// The test binaries that ran.
    pub(crate) fn end(mut self, at: Duration) -> Vec<Part> {
        self.over(at);
        self.parts
    }
}

#[cfg(test)]
mod tests {
    use super::Reading;
    use std::time::Duration;

    /// The parts of a run that printed these lines, at these seconds: library, name, seconds.
    fn parts(lines: &[(u64, &str)], end: u64) -> Vec<(String, String, u64)> {
        let mut reading = Reading::default();
        for (second, line) in lines {
            reading.line(line, Duration::from_secs(*second));
        }
        let parts = reading.end(Duration::from_secs(end)).into_iter();
        parts
            .map(|part| (part.library, part.name, part.took.as_secs()))
            .collect()
    }

    #[test]
    fn a_binary_runs_until_the_next_begins() {
        let lines = [
            (
                1,
                "    Finished `test` profile [unoptimized] target(s) in 0.36s",
            ),
            (
                2,
                "     Running unittests src/lib.rs (target/debug/deps/rate_limit-9f00fa88)",
            ),
            (
                4,
                "test result: ok. 1 passed; 0 failed; 0 ignored; finished in 2.00s",
            ),
            (
                5,
                "     Running tests/service.rs (/elsewhere/debug/deps/service-0d1e)",
            ),
            (
                8,
                "     Running unittests src/bin/bench.rs (target/debug/deps/bench-77)",
            ),
            (
                9,
                "     Running unittests src/main.rs (target/debug/deps/xtask-77)",
            ),
            (11, "   Doc-tests rate_limit"),
        ];
        let expected = [
            ("rate_limit", "rate_limit unit tests", 3),
            ("rate_limit", "rate_limit tests/service.rs", 3),
            ("rate_limit", "bench unit tests", 1),
            ("xtask", "xtask unit tests", 2),
            ("rate_limit", "rate_limit doc tests", 9),
        ];
        let owned = |(library, name, seconds): (&str, &str, u64)| {
            (library.to_owned(), name.to_owned(), seconds)
        };
        assert_eq!(parts(&lines, 20), expected.map(owned));
    }

    #[test]
    fn a_test_binary_alone_is_called_by_its_file() {
        let line = "     Running tests/all/main.rs (target/debug/deps/all-40b1178b)";
        let expected = ("all".to_owned(), "tests/all/main.rs".to_owned(), 3);
        assert_eq!(parts(&[(1, line)], 4), [expected]);
    }

    #[test]
    fn a_test_says_that_it_was_not_run() {
        let mut reading = Reading::default();
        for line in [
            "not run: before any binary",
            "     Running tests/a.rs (target/debug/deps/a-1)",
            "not run: a::b: Envoy 1.37.0 has no x\n",
            "not run in part: a::c: Envoy 1.37.0 has no y\n",
            "test a::b ... ok",
        ] {
            reading.line(line, Duration::ZERO);
        }
        let parts = reading.end(Duration::ZERO);
        assert_eq!(parts[0].not_run, ["a::b: Envoy 1.37.0 has no x"]);
        assert_eq!(parts[0].run_in_part, ["a::c: Envoy 1.37.0 has no y"]);
    }

    #[test]
    fn what_failed_is_told_of_the_binary_it_is_in() {
        let mut reading = Reading::default();
        for line in [
            "     Running tests/a.rs (target/debug/deps/a-1)",
            "test one ... FAILED",
            "---- one stdout ----",
            "of the first",
            "test result: FAILED. 0 passed; 1 failed; 0 ignored",
            "     Running tests/b.rs (target/debug/deps/b-1)",
            "test two ... FAILED",
        ] {
            reading.line(line, Duration::ZERO);
        }
        let parts = reading.end(Duration::ZERO).into_iter();
        let failed: Vec<_> = parts.map(|part| part.failed).collect();
        let names = failed
            .iter()
            .flatten()
            .map(|one| (one.name.as_str(), one.said.len()));
        assert_eq!(names.collect::<Vec<_>>(), [("one", 1), ("two", 0)]);
        assert_eq!(failed.len(), 2);
    }

    #[test]
    fn tests_are_timed_where_their_order_is_known() {
        let mut reading = Reading::of(1);
        for (second, line) in [
            (1, "     Running tests/a.rs (target/debug/deps/a-1)"),
            (1, "running 2 tests"),
            (3, "test one ... ok"),
            (7, "test two ... ok"),
            (8, "   Doc-tests a"),
            (8, "running 1 test"),
            (9, "test src/lib.rs - (line 3) ... ok"),
            (9, "     Running tests/cases.rs (target/debug/deps/cases-1)"),
            (9, "test one ... ok"),
        ] {
            reading.line(line, Duration::from_secs(second));
        }
        let parts = reading.end(Duration::from_secs(9));
        let tests =
            [("one", 2), ("two", 4)].map(|(name, s)| (name.to_owned(), Duration::from_secs(s)));
        assert_eq!(parts[0].tests, tests);
        assert_eq!((&parts[1].tests, &parts[2].tests), (&vec![], &vec![]));
    }

    #[test]
    fn other_lines_begin_nothing() {
        for line in [
            "",
            "running 3 tests",
            "Running late",
            "Running on (empty)",
            "Running a binary without a hash (target/debug/deps/cases)",
            "test Running ... ok",
        ] {
            assert_eq!(parts(&[(1, line)], 2), [], "{line}");
        }
    }
}
