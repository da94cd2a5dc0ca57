//! A run of `cargo test`: how many tests there were, and where the time went.
//!
//! Stable Rust tells no test's time, so what is measured is each test binary.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::counts::Counts;
use crate::failed::{self, Failed};
use crate::process;

/// A test binary, or the doc tests of a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The library it belongs to, by its name in code.
    pub(crate) library: String,
    pub(crate) name: String,
    pub(crate) took: Duration,
    /// Nothing where it ended without a result.
    pub(crate) counts: Option<Counts>,
    /// Tests that this Envoy cannot be put to, each with the reason; they count as passed.
    pub(crate) not_run: Vec<String>,
    /// Those that it can be put to but for a part.
    pub(crate) run_in_part: Vec<String>,
    pub(crate) failed: Vec<Failed>,
}

/// How a test says that it was not run, or a part of it, and why.
const NOT_RUN: &str = "not run: ";
const IN_PART: &str = "not run in part: ";

/// Runs the tests, shows their output as it comes, and tells of every test binary.
pub(crate) fn stream(
    command: &mut Command,
    shown: &mut dyn Write,
) -> Result<(Vec<Part>, ExitStatus), String> {
    let start = Instant::now();
    // One pipe for both streams: cargo names a binary on one, the binary answers on the other.
    let (output, input) = std::io::pipe().map_err(|error| format!("no pipe: {error}"))?;
    let other = input
        .try_clone()
        .map_err(|error| format!("no pipe: {error}"))?;
    let mut child = command
        // Colours would stand between the words that are read.
        .env("CARGO_TERM_COLOR", "never")
        .stdout(input)
        .stderr(other)
        .spawn()
        .map_err(|error| process::not_started(command, &error))?;
    // The command holds our ends of the pipe, which would keep it from ending.
    command
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    let mut reading = Reading::default();
    pass_on(output, shown, |line| reading.line(line, start.elapsed()))?;
    let status = child
        .wait()
        .map_err(|error| format!("`{}`: {error}", process::line(command)))?;
    Ok((reading.end(start.elapsed()), status))
}

/// Shows and reads line by line: bytes, because a test may print what is not UTF-8.
fn pass_on(
    output: impl Read,
    shown: &mut dyn Write,
    mut read: impl FnMut(&str),
) -> Result<(), String> {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while output.read_until(b'\n', &mut line).unwrap_or(0) > 0 {
        let passed_on = shown.write_all(&line).and_then(|()| shown.flush());
        passed_on.map_err(|error| format!("standard output: {error}"))?;
        read(&String::from_utf8_lossy(&line));
        line.clear();
    }
    Ok(())
}

/// What the lines so far told.
#[derive(Default)]
struct Reading {
    parts: Vec<Part>,
    running: Option<Part>,
    failed: failed::Reading,
    began: Duration,
}

impl Reading {
    /// `at` is the time since the run began.
    fn line(&mut self, line: &str, at: Duration) {
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
                took: Duration::ZERO,
                counts: None,
                not_run: Vec::new(),
                run_in_part: Vec::new(),
                failed: Vec::new(),
            });
        } else {
            self.failed.line(line);
        }
    }

    /// Library and name of what begins with this line: `Running <file> (<binary>)` or
    /// `Doc-tests <library>`.
    fn binary(&self, line: &str) -> Option<(String, String)> {
        let line = line.trim();
        if let Some(library) = line.strip_prefix("Doc-tests ") {
            return Some((library.to_owned(), format!("{library} doc tests")));
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
            self.parts.push(part);
        }
    }

    fn end(mut self, at: Duration) -> Vec<Part> {
        self.over(at);
        self.parts
    }
}

#[cfg(test)]
mod tests {
    use super::{Reading, stream};
    use crate::counts::counts;
    use std::process::Command;
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

    #[test]
    fn every_binary_has_its_counts_and_the_run_its_exit_code() {
        let script = "echo '     Running tests/a.rs (target/debug/deps/a-1)' >&2
            printf 'test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured\\n\\377\\n'
            echo '     Running tests/b.rs (target/debug/deps/b-1)' >&2
            echo '   Doc-tests c' >&2
            printf 'test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured\\n'
            printf 'test result: FAILED. 2 passed; 1 failed; 4 ignored; 0 measured\\n'; exit 101";
        let mut shown = Vec::new();
        let mut shell = Command::new("sh");
        let (parts, status) = stream(shell.args(["-c", script]), &mut shown).unwrap();
        let found: Vec<_> = parts.iter().map(|part| part.counts).collect();
        let expected = [Some(counts(1, 0, 0)), None, Some(counts(3, 1, 4))];
        assert_eq!(found, expected);
        assert_eq!(status.code(), Some(101));
        let lines = shown.split(|byte| *byte == b'\n').count();
        assert_eq!(lines, 8, "{}", String::from_utf8_lossy(&shown));
    }
}
