//! The lines of a log: which of them are requests, and which are to be looked at.

use sdk_helpers::{Timestamp, config};
use serde::Serialize;

use crate::entry::Entry;
use crate::input::{Block, LONGEST, Source};

/// What became of the lines of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lines {
    /// Lines that are no blank ones.
    pub read: u64,
    /// Of these, lines that are no entry.
    pub unreadable: u64,
    /// The first of those.
    pub first_unreadable: Vec<Unreadable>,
    /// Of all, requests before the time from which on they count.
    pub earlier: u64,
    /// Of all, requests of which it is not said when they were, where that is asked.
    pub untimed: u64,
}

/// A line that is no entry: where it stands, and why. Nothing of it is quoted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// The log.
    pub file: String,
    /// The line in it.
    pub line: u64,
    /// Why.
    pub why: String,
}

/// How many lines that are none are named.
const MOST_NAMED: usize = 5;

/// The same of one block, whose log is known by its place.
#[derive(Debug, Default)]
pub(crate) struct BlockLines {
    read: u64,
    unreadable: u64,
    first: Vec<(usize, u64, String)>,
    earlier: u64,
    untimed: u64,
}

impl BlockLines {
    /// Shows each request of a block that counts, by the number of its line.
    pub(crate) fn each(
        &mut self,
        block: &Block,
        since: Option<Timestamp>,
        see: &mut dyn FnMut(u64, &Entry<'_>),
    ) {
        let text = block.bytes.strip_suffix(b"\n").unwrap_or(&block.bytes);
        for (number, line) in (block.first..).zip(text.split(|byte| *byte == b'\n')) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            self.read = self.read.saturating_add(1);
            let entry = match line.len() > LONGEST {
                true => Err(format!("is longer than {LONGEST} bytes")),
                false => Entry::parse(line),
            };
            match entry {
                Ok(entry) if self.counts(&entry, since) => see(number, &entry),
                Ok(_) => {}
                Err(why) => {
                    self.unreadable = self.unreadable.saturating_add(1);
                    if self.first.len() < MOST_NAMED {
                        self.first.push((block.source, number, why));
                    }
                }
            }
        }
    }

    fn counts(&mut self, entry: &Entry<'_>, since: Option<Timestamp>) -> bool {
        let Some(since) = since else {
            return true;
        };
        let time = entry.start_time.text();
        match time.and_then(|time| config::timestamp(time).ok()) {
            None => self.untimed = self.untimed.saturating_add(1),
            Some(time) if time < since => self.earlier = self.earlier.saturating_add(1),
            Some(_) => return true,
        }
        false
    }
}

impl Lines {
    /// Adds those of the next block.
    pub(crate) fn add(&mut self, block: BlockLines, sources: &[Source]) {
        for (total, more) in [
            (&mut self.read, block.read),
            (&mut self.unreadable, block.unreadable),
            (&mut self.earlier, block.earlier),
            (&mut self.untimed, block.untimed),
        ] {
            *total = total.saturating_add(more);
        }
        let room = MOST_NAMED.saturating_sub(self.first_unreadable.len());
        let first = block.first.into_iter().take(room);
        self.first_unreadable
            .extend(first.map(|(source, line, why)| {
                Unreadable {
                    file: sources
                        .get(source)
                        .map_or_else(String::new, |source| source.name.clone()),
                    line,
                    why,
                }
            }));
    }

    /// How many requests count.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.read
            .saturating_sub(self.unreadable)
            .saturating_sub(self.earlier)
            .saturating_sub(self.untimed)
    }
}
