//! How many tests ran, read from what `cargo test` prints while it goes by.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitStatus, Stdio};

use crate::process;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
}

/// Runs the tests, shows their output as it comes, and adds up every test binary's result.
pub(crate) fn stream(
    command: &mut Command,
    shown: &mut dyn Write,
) -> Result<(Counts, ExitStatus), String> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| process::not_started(command, &error))?;
    let mut counts = Counts::default();
    if let Some(output) = child.stdout.take() {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        // Bytes, because a test may print what is not UTF-8.
        while output.read_until(b'\n', &mut line).unwrap_or(0) > 0 {
            let passed_on = shown.write_all(&line).and_then(|()| shown.flush());
            passed_on.map_err(|error| format!("standard output: {error}"))?;
            counts.add(Counts::from_line(&String::from_utf8_lossy(&line)).unwrap_or_default());
            line.clear();
        }
    }
    let status = child
        .wait()
        .map_err(|error| format!("`{}`: {error}", process::line(command)))?;
    Ok((counts, status))
}

impl Counts {
    /// Reads `test result: ok. 12 passed; 0 failed; 0 ignored; …`.
    fn from_line(line: &str) -> Option<Self> {
        let (_, results) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let count = |word: &str| -> Option<u64> {
            let mut parts = results.split(';').map(str::trim);
            let number = parts.find_map(|part| part.strip_suffix(word))?;
            number.trim().parse().ok()
        };
        Some(Self {
            passed: count("passed")?,
            failed: count("failed")?,
            ignored: count("ignored")?,
        })
    }

    pub(crate) fn add(&mut self, more: Self) {
        self.passed += more.passed;
        self.failed += more.failed;
        self.ignored += more.ignored;
    }
}

/// Counts in one line, for the tests of this and of what adds them up.
#[cfg(test)]
pub(crate) fn counts(passed: u64, failed: u64, ignored: u64) -> Counts {
    Counts {
        passed,
        failed,
        ignored,
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, counts, stream};
    use std::process::Command;

    #[test]
    fn reads_a_result_line() {
        let ok = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; \
                  finished in 0.51s\n";
        assert_eq!(Counts::from_line(ok), Some(counts(12, 0, 1)));
        let failed = "test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; \
                      0 filtered out; finished in 1.00s";
        assert_eq!(Counts::from_line(failed), Some(counts(2, 3, 0)));
    }

    #[test]
    fn other_lines_count_nothing() {
        for line in [
            "",
            "running 3 tests",
            "test a ... ok",
            "test result: ok",
            "test result: ok. x passed; 0 failed; 0 ignored",
            "said: test result: ok. 1 passed; 0 failed; 0 ignored",
        ] {
            assert_eq!(Counts::from_line(line), None, "{line}");
        }
    }

    #[test]
    fn adds_up_every_binary_and_keeps_the_exit_code() {
        let script =
            "printf 'test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured\\n\\377\\n'
            printf 'test result: FAILED. 2 passed; 1 failed; 4 ignored; 0 measured\\n'; exit 101";
        let mut shown = Vec::new();
        let mut shell = Command::new("sh");
        let (counts, status) = stream(shell.args(["-c", script]), &mut shown).unwrap();
        assert_eq!(counts, self::counts(3, 1, 4));
        assert_eq!(status.code(), Some(101));
        let lines = shown.split(|byte| *byte == b'\n').count();
        assert_eq!(lines, 4, "{}", String::from_utf8_lossy(&shown));
    }
}
