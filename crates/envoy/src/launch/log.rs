//! What a server writes, collected while it runs.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::log_file::LogFile;
use crate::Error;

/// Longer lines are cut when they are shown.
const WIDTH: usize = 400;

/// More than this is not kept: a server that runs for days writes without end.
const MOST: usize = 64 << 20;
/// Nor more than this where a file has the rest.
const MOST_OF_FILE: usize = 512 << 10;

/// Both output streams of a server, as one text that grows; of a long one, the last 32 MiB at least.
/// Clones are the same log.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    written: Mutex<Written>,
    grown: Condvar,
}

#[derive(Debug, Default)]
struct Written {
    text: String,
    /// How many bytes before the text are not kept any more.
    dropped: usize,
    /// Where it is kept as well.
    file: Option<LogFile>,
    /// Nothing comes any more.
    ended: bool,
}

/// The lines of a log, as they come: see [`Log::follow`].
#[derive(Debug)]
pub struct Lines {
    log: Log,
    /// How many bytes of all that was written have been told.
    told: usize,
}

impl Log {
    /// One that a file keeps, of which only the end stands here.
    pub(super) fn kept(path: &Path) -> Result<Self, Error> {
        let log = Self::default();
        log.lock().file = Some(LogFile::open(path)?);
        Ok(log)
    }

    /// Adds what was written.
    pub(super) fn push(&self, bytes: &[u8]) {
        self.change(|written| match &mut written.file {
            Some(file) => {
                file.push(bytes);
                written.push(&String::from_utf8_lossy(bytes), MOST_OF_FILE);
            }
            None => written.push(&String::from_utf8_lossy(bytes), MOST),
        });
    }

    /// Puts the complete text in place of what was seen of it.
    #[cfg(feature = "containers")]
    pub(super) fn replace(&self, text: String) {
        self.change(|written| {
            written.text = text;
            written.dropped = 0;
        });
    }

    /// Lets everybody who follows it come to an end.
    pub(super) fn end(&self) {
        self.change(|written| written.ended = true);
    }

    /// Everything so far.
    pub fn text(&self) -> String {
        self.lock().text.clone()
    }

    /// The last lines, each short enough to be shown.
    pub fn tail(&self, lines: usize) -> String {
        tail(&self.lock().text, lines)
    }

    /// Waits for a line that contains this and returns it; `None` when the time is up.
    pub fn wait(&self, part: &str, deadline: Duration) -> Option<String> {
        let end = Instant::now() + deadline;
        let mut written = self.lock();
        loop {
            if let Some(line) = written.text.lines().find(|line| line.contains(part)) {
                return Some(line.to_owned());
            }
            let left = end.checked_duration_since(Instant::now())?;
            let waiting = self.0.grown.wait_timeout(written, left);
            written = waiting.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The lines so far, and then each as it comes, until the server is gone. Whoever takes them waits
    /// meanwhile: give it a thread of its own.
    pub fn follow(&self) -> Lines {
        Lines {
            log: self.clone(),
            told: 0,
        }
    }

    fn change(&self, change: impl FnOnce(&mut Written)) {
        change(&mut self.lock());
        self.0.grown.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        // It is whole whenever the lock is free, whoever panicked with it.
        let written = self.0.written.lock();
        written.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Written {
    fn push(&mut self, text: &str, most: usize) {
        self.text.push_str(text);
        if self.text.len() > most {
            let newlines = self.text.match_indices('\n').map(|(at, _)| at + 1);
            let half = self.text.len() / 2;
            // One line without an end is not cut.
            let cut = newlines.take_while(|end| *end <= half).last().unwrap_or(0);
            self.text.drain(..cut);
            self.dropped += cut;
        }
    }
}

impl Iterator for Lines {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let mut written = self.log.lock();
        loop {
            self.told = self.told.max(written.dropped);
            let new = written.text.get(self.told - written.dropped..);
            let new = new.unwrap_or_default();
            let line = match new.split_once('\n') {
                Some((line, _)) => Some((line, line.len() + 1)),
                // The last line of a server that ended need not have an end.
                None if written.ended && !new.is_empty() => Some((new, new.len())),
                None => None,
            };
            if let Some((line, length)) = line {
                self.told += length;
                return Some(line.to_owned());
            }
            if written.ended {
                return None;
            }
            let waiting = self.log.0.grown.wait(written);
            written = waiting.unwrap_or_else(PoisonError::into_inner);
        }
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

    #[test]
    fn who_follows_it_has_every_line_until_the_end() {
        let log = Log::default();
        log.push(b"one\ntw");
        let lines = log.follow();
        let told = std::thread::spawn(move || lines.collect::<Vec<_>>());
        log.push(b"o\nthree");
        log.end();
        assert_eq!(told.join().unwrap(), ["one", "two", "three"]);
    }

    #[test]
    fn what_is_too_long_ago_is_not_kept() {
        let mut written = Written::default();
        for line in ["one\n", "two\n", "three\n", "four\n"] {
            written.push(line, 12);
        }
        assert_eq!(
            (written.text.as_str(), written.dropped),
            ("three\nfour\n", 8)
        );
        written.push("a line without end", 12);
        assert_eq!(written.text, "a line without end");
    }
}
