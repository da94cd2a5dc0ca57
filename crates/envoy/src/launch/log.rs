//! What a server writes, collected while it runs.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Longer lines are cut when they are shown.
const WIDTH: usize = 400;

/// Both output streams of a server, as one text that grows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Shared>);

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
    pub(crate) fn text(&self) -> String {
        self.lock().clone()
    }

    /// The end, short enough to be shown.
    pub(crate) fn tail(&self, lines: usize) -> String {
        tail(&self.lock(), lines)
    }

    /// Waits for a line that contains this.
    pub(crate) fn wait(&self, part: &str, deadline: Duration) -> Option<String> {
        let end = Instant::now() + deadline;
        let mut text = self.lock();
        loop {
            if let Some(line) = text.lines().find(|line| line.contains(part)) {
                return Some(line.to_owned());
            }
            let left = end.checked_duration_since(Instant::now())?;
            let waiting = self.0.grown.wait_timeout(text, left);
            text = waiting.expect("a log nobody panicked with").0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, String> {
        self.0.text.lock().expect("a log nobody panicked with")
    }
}

/// The last lines of a text. Some of Envoy's are thousands of characters long: what matters to a
/// person stands at their beginning.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<_> = text.lines().collect();
    let last = &all[all.len().saturating_sub(lines)..];
    let short = last
        .iter()
        .map(|line| match line.char_indices().nth(WIDTH) {
            Some((end, _)) => format!("{} …", &line[..end]),
            None => (*line).to_owned(),
        });
    short.collect::<Vec<_>>().join("\n")
}
