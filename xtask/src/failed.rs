//! The tests that failed, read from what a test binary prints: what a run says last, because of a long
//! run only the end may be kept.

use std::fmt::Write;

/// What a test says before anything else, which places how it failed among what it printed.
const PANICKED: &str = " panicked at ";
/// What follows a panic, and tells nothing of it.
const HINTS: [&str; 2] = [
    "note: run with `RUST_BACKTRACE",
    "note: Some details are omitted",
];
/// Above the frames of a backtrace, which are indented.
const BACKTRACE: &str = "stack backtrace:";
/// How much of a message is told: its place and first words, and its end, which often says most.
const FIRST: usize = 4;
const LAST: usize = 8;
/// Characters of a line that are told: a value in an assertion may be a whole configuration.
const WIDTH: usize = 300;

/// A test that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) name: String,
    /// What it said, from its first panic on where it panicked, without backtraces.
    pub(crate) said: Vec<String>,
}

impl Failed {
    /// Its name, and what it said, indented.
    pub(crate) fn show(&self, place: &str, text: &mut String) {
        let _ = writeln!(text, "FAILED {place}: {}", self.name);
        let left_out = self.said.len().saturating_sub(FIRST + LAST);
        for (at, line) in self.said.iter().enumerate() {
            if left_out > 0 && at == FIRST {
                let _ = writeln!(text, "    … {left_out} lines left out");
            }
            if at < FIRST || at >= FIRST + left_out {
                let _ = writeln!(text, "    {}", short(line));
            }
        }
    }
}

/// A line that is not too long to be read.
fn short(line: &str) -> String {
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or(line)),
        None => line.to_owned(),
    }
}

/// What the lines of one test binary told so far.
#[derive(Default)]
pub(crate) struct Reading {
    failed: Vec<Failed>,
    /// The test whose output goes by, by its place among those that failed.
    telling: Option<usize>,
    /// Whether what goes by may be a frame of a backtrace.
    frames: bool,
}

impl Reading {
    /// Reads a line, with or without its end.
    pub(crate) fn line(&mut self, line: &str) {
        let line = line.trim_end();
        if let Some(name) = result(line) {
            self.at(name);
        } else if let Some(name) = heading(line) {
            self.telling = Some(self.at(name));
            self.frames = false;
        } else if line == "failures:" {
            self.telling = None;
        } else if let Some(failed) = self.telling.and_then(|at| self.failed.get_mut(at)) {
            self.frames = line == BACKTRACE || self.frames && line.starts_with(' ');
            if !self.frames {
                tell(&mut failed.said, line);
            }
        }
    }

    /// The tests that failed, in the order in which they did.
    pub(crate) fn end(self) -> Vec<Failed> {
        self.failed
    }

    fn at(&mut self, name: &str) -> usize {
        let known = self.failed.iter().position(|failed| failed.name == name);
        known.unwrap_or_else(|| {
            self.failed.push(Failed {
                name: name.to_owned(),
                said: Vec::new(),
            });
            self.failed.len().saturating_sub(1)
        })
    }
}

/// The test that a line says has failed: `test a::b ... FAILED`.
fn result(line: &str) -> Option<&str> {
    let name = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
    Some(name.trim_end().trim_end_matches(" - should panic"))
}

/// The test whose output begins with a line: `---- a::b stdout ----`, of cases without the word between.
fn heading(line: &str) -> Option<&str> {
    let name = line.strip_prefix("---- ")?.strip_suffix(" ----")?;
    Some(name.trim_end_matches(" stdout"))
}

/// Keeps a line of what a test said: what was printed before a panic is of no account then.
fn tell(said: &mut Vec<String>, line: &str) {
    if line.is_empty() || HINTS.iter().any(|hint| line.starts_with(hint)) {
        return;
    }
    let panics = |line: &str| line.starts_with("thread '") && line.contains(PANICKED);
    if panics(line) && !said.first().is_some_and(|first| panics(first)) {
        said.clear();
    }
    said.push(line.to_owned());
}

#[cfg(test)]
mod tests {
    use super::{Failed, Reading};
    use crate::counts::counts;
    use crate::summary::Summary;
    use crate::test_run::Part;
    use std::time::Duration;

    fn failed(name: &str, said: &[&str]) -> Failed {
        Failed {
            name: name.to_owned(),
            said: said.iter().map(ToString::to_string).collect(),
        }
    }

    fn read(output: &str) -> Vec<Failed> {
        let mut reading = Reading::default();
        for line in output.split_inclusive('\n') {
            reading.line(line);
        }
        reading.end()
    }

    #[test]
    fn each_failed_test_is_named_with_its_panic() {
        let output = "\nrunning 4 tests\n\
            test a::good ... ok\n\
            test a::bad ... FAILED\n\
            test a::silent ... FAILED\n\
            test a::never - should panic ... FAILED\n\
            \nfailures:\n\n\
            ---- a::bad stdout ----\n\
            asked 7 times\n\n\
            thread 'a::bad' (77) panicked at src/a.rs:3:9:\n\
            assertion `left == right` failed: Envoy answered\n  left: 503\n right: 200\n\
            stack backtrace:\n   0: std::panicking::begin\n             at src/a.rs:3\n\
            note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.\n\n\
            thread 'a::bad' (77) panicked at src/drop.rs:1:1:\nnot stopped\n\
            note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n\n\
            ---- a::never stdout ----\n\
            note: test did not panic as expected at src/a.rs:9:4\n\n\
            \nfailures:\n    a::bad\n    a::never\n    a::silent\n\n\
            test result: FAILED. 1 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out\n\
            said after all\n";
        let expected = [
            failed(
                "a::bad",
                &[
                    "thread 'a::bad' (77) panicked at src/a.rs:3:9:",
                    "assertion `left == right` failed: Envoy answered",
                    "  left: 503",
                    " right: 200",
                    "thread 'a::bad' (77) panicked at src/drop.rs:1:1:",
                    "not stopped",
                ],
            ),
            failed("a::silent", &[]),
            failed(
                "a::never",
                &["note: test did not panic as expected at src/a.rs:9:4"],
            ),
        ];
        assert_eq!(read(output), expected);
    }

    #[test]
    fn cases_and_doc_tests_are_named_too() {
        let output = "test envoy::cors    ... FAILED\n\
            test cli/src/lib.rs - run (line 3) ... FAILED\n\
            \nfailures:\n\n---- envoy::cors ----\nallowed: expected 200\nfound 403\n\n\
            ---- cli/src/lib.rs - run (line 3) stdout ----\nerror[E0425]: no `x`\n\nfailures:\n    envoy::cors\n";
        let expected = [
            failed("envoy::cors", &["allowed: expected 200", "found 403"]),
            failed("cli/src/lib.rs - run (line 3)", &["error[E0425]: no `x`"]),
        ];
        assert_eq!(read(output), expected);
    }

    #[test]
    fn other_lines_name_nothing() {
        for line in [
            "",
            "test a ... ok",
            "a test x ... FAILED",
            "test result: FAILED. 0 passed; 1 failed; 0 ignored",
            "----",
            "---- ----",
            "thread 'a' panicked at src/a.rs:1:1:",
        ] {
            assert_eq!(read(line), [], "{line}");
        }
    }

    #[test]
    fn of_a_long_message_the_beginning_and_the_end_are_shown() {
        let said: Vec<String> = (1..=20).map(|line| format!("line {line}")).collect();
        let long = Failed {
            name: "b".to_owned(),
            said,
        };
        let mut text = String::new();
        long.show("a", &mut text);
        assert!(text.starts_with("FAILED a: b\n    line 1\n"), "{text}");
        let gap = "    line 4\n    … 8 lines left out\n    line 13\n";
        assert!(text.contains(gap), "{text}");
        assert!(text.ends_with("    line 20\n"), "{text}");

        let mut text = String::new();
        failed("b", &[&"é".repeat(1000)]).show("a", &mut text);
        assert_eq!(text, format!("FAILED a: b\n    {}…\n", "é".repeat(300)));
    }

    #[test]
    fn a_run_names_them_just_before_its_last_line() {
        let mut summary = Summary::default();
        let run = Part {
            library: "a".to_owned(),
            name: "tests/a.rs".to_owned(),
            counts: Some(counts(5, 1, 0)),
            failed: vec![failed("a::b", &["no Envoy"])],
            ..Part::default()
        };
        summary.tests("integration tests", vec![run], None);
        summary.check("later", Duration::from_secs(1), Ok(()));
        let text = summary.text();
        let end =
            "\n\nFAILED integration tests: tests/a.rs: a::b\n    no Envoy\n\n5 passed, 1 failed\n";
        assert!(text.ends_with(end), "{text}");
    }
}
