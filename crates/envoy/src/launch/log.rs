//! What a server writes, collected while it runs.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Longer lines are cut when they are shown.
const WIDTH: usize = 400;

/// Both output streams of a server, as one text that grows. Clones are the same log.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    text: Mutex<String>,
    grown: Condvar,
}

impl Log {
    /// Adds what was written.
    pub(super) fn push(&self, bytes: &[u8]) {
        self.lock().push_str(&String::from_utf8_lossy(bytes));
        self.0.grown.notify_all();
    }

    /// Puts the complete text in place of what was seen of it.
    #[cfg(feature = "containers")]
    pub(super) fn replace(&self, text: String) {
        *self.lock() = text;
        self.0.grown.notify_all();
    }

    /// Everything so far.
    pub fn text(&self) -> String {
        self.lock().clone()
    }

    /// The last lines, each short enough to be shown.
    pub fn tail(&self, lines: usize) -> String {
        tail(&self.lock(), lines)
    }

    /// Waits for a line that contains this and returns it; `None` when the time is up.
    pub fn wait(&self, part: &str, deadline: Duration) -> Option<String> {
        let end = Instant::now() + deadline;
        let mut text = self.lock();
        loop {
            if let Some(line) = text.lines().find(|line| line.contains(part)) {
                return Some(line.to_owned());
            }
            let left = end.checked_duration_since(Instant::now())?;
            let waiting = self.0.grown.wait_timeout(text, left);
            text = waiting.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, String> {
        // Text is whole whenever the lock is free, whoever panicked with it.
        let text = self.0.text.lock();
        text.unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last lines of a text. Some of Envoy's are thousands of characters long: what matters to a
/// person stands at their beginning.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<_> = text.lines().collect();
    let last = all.iter().skip(all.len().saturating_sub(lines));
    let short = last.map(|line| match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{} …", line.get(..end).unwrap_or(line)),
        None => (*line).to_owned(),
    });
    short.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_short_enough_to_be_shown() {
        let long = "ä".repeat(WIDTH + 1);
        let log = Log::default();
        log.push(format!("first\n{long}\nlast\n").as_bytes());
        let tail = log.tail(2);
        let (cut, last) = tail.split_once('\n').unwrap();
        assert_eq!(cut.chars().count(), WIDTH + " …".len() - 2);
        assert_eq!(last, "last");
    }

    #[test]
    fn a_line_is_waited_for_until_the_time_is_up() {
        let log = Log::default();
        log.push(b"one\ntwo\n");
        assert_eq!(log.wait("wo", Duration::ZERO).as_deref(), Some("two"));
        assert_eq!(log.wait("three", Duration::from_millis(1)), None);
    }
}
