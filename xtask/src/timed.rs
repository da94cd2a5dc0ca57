//! How long each test took, from when their results were printed.
//!
//! Stable Rust prints no times. But the test harness starts tests in the order of their names, a few at
//! once, and the next as soon as one ends; so each result tells when another test began.

use std::time::Duration;

/// The results of one test binary as they came.
#[derive(Default)]
pub(crate) struct Reading {
    began: Duration,
    ended: Vec<(String, Duration)>,
}

impl Reading {
    /// Reads a line that came at this time since the run began.
    pub(crate) fn line(&mut self, line: &str, at: Duration) {
        if line.starts_with("running ") {
            self.began = at;
        } else if let Some(name) = name(line) {
            self.ended.push((name.to_owned(), at));
        }
    }

    /// What each test took, where `threads` ran at once.
    pub(crate) fn end(self, threads: usize) -> Vec<(String, Duration)> {
        let mut order: Vec<&str> = self.ended.iter().map(|(name, _)| name.as_str()).collect();
        order.sort_unstable();
        // The first ones begin together, each later one when one has ended before it.
        let ends = self.ended.iter().map(|(_, at)| *at);
        let starts = std::iter::repeat_n(self.began, threads.max(1)).chain(ends);
        let starts: std::collections::HashMap<&str, Duration> =
            order.into_iter().zip(starts).collect();
        let took = |(name, at): &(String, Duration)| {
            let start = starts.get(name.as_str()).copied().unwrap_or(*at);
            (name.clone(), at.saturating_sub(start))
        };
        self.ended.iter().map(took).collect()
    }
}

/// The test whose result a line is: `test a::b ... ok`.
fn name(line: &str) -> Option<&str> {
    let (name, result) = line
        .trim_end()
        .strip_prefix("test ")?
        .rsplit_once(" ... ")?;
    matches!(result, "ok" | "FAILED").then(|| name.trim_end())
}

#[cfg(test)]
mod tests {
    use super::Reading;
    use std::time::Duration;

    fn took(threads: usize, lines: &[(u64, &str)]) -> Vec<(String, u64)> {
        let mut reading = Reading::default();
        for (second, line) in lines {
            reading.line(line, Duration::from_secs(*second));
        }
        let ended = reading.end(threads).into_iter();
        ended.map(|(name, took)| (name, took.as_secs())).collect()
    }

    #[test]
    fn a_test_begins_when_another_ends() {
        // a 1–4, b 1–2, c 2–9, d 4–5, e 5–7.
        let lines = [
            (1, "running 5 tests"),
            (2, "test b ... ok"),
            (4, "test a ... ok"),
            (4, "said by the way"),
            (5, "test d ... FAILED"),
            (7, "test e ... ok"),
            (9, "test c ... ok"),
        ];
        let expected = [("b", 1), ("a", 3), ("d", 1), ("e", 2), ("c", 7)];
        let expected = expected.map(|(name, took)| (name.to_owned(), took));
        assert_eq!(took(2, &lines), expected);
    }

    #[test]
    fn fewer_tests_than_threads_begin_together() {
        let lines = [(1, "running 1 test"), (3, "test a ... ok\n")];
        assert_eq!(took(4, &lines), [("a".to_owned(), 2)]);
        assert_eq!(took(0, &lines), [("a".to_owned(), 2)]);
        assert_eq!(took(4, &[]), []);
    }
}
