//! A run of `cargo test`: how many tests there were, and where the time went.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::counts::Counts;
use crate::failed::Failed;
use crate::process;
use crate::test_lines::Reading;

/// A test binary, or the doc tests of a library.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// What each test took, where that can be told.
    pub(crate) tests: Vec<(String, Duration)>,
}

/// How many tests run at a time, as the test harness reads it.
pub(crate) const THREADS: &str = "RUST_TEST_THREADS";

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
    let mut reading = Reading::of(threads(command));
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

/// How many tests the command runs at once.
fn threads(command: &Command) -> usize {
    let told = command.get_envs().find(|(name, _)| *name == THREADS);
    let told = match told {
        Some((_, value)) => value.map(ToOwned::to_owned),
        None => std::env::var_os(THREADS),
    };
    let told = told.and_then(|value| value.to_str()?.parse().ok());
    told.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

#[cfg(test)]
mod tests {
    use super::stream;
    use crate::counts::counts;
    use std::process::Command;

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
