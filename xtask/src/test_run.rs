//! A run of `cargo test`: how many tests there were, and where the time went.
//!
//! Stable Rust tells no test's time, so what is measured is compiling, and each test binary.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::counts::Counts;
use crate::process;

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct TestRun {
    pub(crate) counts: Counts,
    pub(crate) parts: Vec<Part>,
}

/// A part of a step, and how long it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) took: Duration,
}

/// Runs the tests, shows their output as it comes, and adds up every test binary's result.
pub(crate) fn stream(
    command: &mut Command,
    shown: &mut dyn Write,
) -> Result<(TestRun, ExitStatus), String> {
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
    run: TestRun,
    /// The library whose binaries run; cargo names the others by their file alone.
    library: Option<String>,
    running: Option<(String, Duration)>,
}

impl Reading {
    /// `at` is the time since the run began.
    fn line(&mut self, line: &str, at: Duration) {
        if let Some(counts) = Counts::from_line(line) {
            self.run.counts.add(counts);
        } else if let Some(name) = self.binary(line) {
            self.over(at);
            self.running = Some((name, at));
        }
    }

    /// The name of what begins with this line: `Running <file> (<binary>)` or `Doc-tests <library>`.
    fn binary(&mut self, line: &str) -> Option<String> {
        let line = line.trim();
        if let Some(library) = line.strip_prefix("Doc-tests ") {
            return Some(format!("{library} doc tests"));
        }
        let (source, path) = line.strip_prefix("Running ")?.split_once(" (")?;
        let (_, file) = path.strip_suffix(')')?.rsplit_once('/')?;
        let (name, _hash) = file.rsplit_once('-')?;
        match source.strip_prefix("unittests ") {
            Some("src/lib.rs" | "src/main.rs") => {
                self.library = Some(name.to_owned());
                Some(format!("{name} unit tests"))
            }
            Some(_) => Some(format!("{name} unit tests")),
            None => Some(match &self.library {
                Some(library) => format!("{library} {source}"),
                None => source.to_owned(),
            }),
        }
    }

    fn over(&mut self, at: Duration) {
        if let Some((name, began)) = self.running.take() {
            let took = at.saturating_sub(began);
            self.run.parts.push(Part { name, took });
        }
    }

    fn end(mut self, at: Duration) -> TestRun {
        self.over(at);
        self.run
    }
}

#[cfg(test)]
mod tests {
    use super::{Reading, stream};
    use crate::counts::counts;
    use std::process::Command;
    use std::time::Duration;

    /// The parts of a run that printed these lines, at these seconds.
    fn parts(lines: &[(u64, &str)], end: u64) -> Vec<(String, u64)> {
        let mut reading = Reading::default();
        for (second, line) in lines {
            reading.line(line, Duration::from_secs(*second));
        }
        let parts = reading.end(Duration::from_secs(end)).parts.into_iter();
        parts.map(|part| (part.name, part.took.as_secs())).collect()
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
            (9, "   Doc-tests rate_limit"),
        ];
        let expected = [
            ("rate_limit unit tests", 3),
            ("rate_limit tests/service.rs", 3),
            ("bench unit tests", 1),
            ("rate_limit doc tests", 11),
        ];
        assert_eq!(
            parts(&lines, 20),
            expected.map(|(name, seconds)| (name.to_owned(), seconds))
        );
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
    fn adds_up_every_binary_and_keeps_the_exit_code() {
        let script = "echo '     Running tests/a.rs (target/debug/deps/a-1)' >&2
            printf 'test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured\\n\\377\\n'
            echo '     Running tests/b.rs (target/debug/deps/b-1)' >&2
            printf 'test result: FAILED. 2 passed; 1 failed; 4 ignored; 0 measured\\n'; exit 101";
        let mut shown = Vec::new();
        let mut shell = Command::new("sh");
        let (run, status) = stream(shell.args(["-c", script]), &mut shown).unwrap();
        assert_eq!(run.counts, counts(3, 1, 4));
        assert_eq!(status.code(), Some(101));
        let names: Vec<_> = run.parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["tests/a.rs", "tests/b.rs"]);
        let lines = shown.split(|byte| *byte == b'\n').count();
        assert_eq!(lines, 6, "{}", String::from_utf8_lossy(&shown));
    }
}
