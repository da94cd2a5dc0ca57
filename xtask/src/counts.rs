//! How many tests ran, read from what a test binary prints at its end.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
}

impl Counts {
    /// Reads `test result: ok. 12 passed; 0 failed; 0 ignored; …`.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
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
    use super::{Counts, counts};

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
}
