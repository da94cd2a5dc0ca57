//! What was answered to whom, block by block.

use std::collections::hash_map::Entry as Place;
use std::collections::{BTreeMap, HashMap};

use sdk_helpers::Timestamp;

use super::Who;
use super::path::shape;
use crate::answered::Answered;
use crate::entry::{Entry, Value};
use crate::input::Block;
use crate::lines::BlockLines;

/// Who, with which method, and a path or a template.
type Key = (Who, String, String);

/// Requests that are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) count: u64,
    /// Their path, where all have the same.
    pub(super) only: Option<String>,
}

/// What was answered.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) seen: HashMap<Key, Seen>,
    /// The order in which they were first seen, which does not depend on how they hash.
    order: Vec<Key>,
    pub(super) refused: u64,
    pub(super) failed: u64,
    pub(super) unanswered: u64,
    pub(super) left_out: BTreeMap<&'static str, u64>,
}

const NO_ROOM: &str = "have one path too many: there are more than can be told apart";
const UNNAMED: &str = "lack `method` or `path`";
const STAR: &str = "have a method with `*`, which a rule would take for more than that method";
const NAMES: &str =
    "come from a certificate whose name no rule can say: not one SPIFFE id, or with `*` in it";

impl Tally {
    pub(super) fn leave_out(&mut self, why: &'static str, count: u64) {
        let total = self.left_out.entry(why).or_default();
        *total = total.saturating_add(count);
    }

    fn see(&mut self, key: Key, count: u64, only: Option<&str>, most: usize) {
        let is_full = self.seen.len() >= most;
        match self.seen.entry(key) {
            Place::Occupied(mut seen) => {
                let seen = seen.get_mut();
                seen.count = seen.count.saturating_add(count);
                if seen.only.as_deref() != only {
                    seen.only = None;
                }
            }
            Place::Vacant(_) if is_full => self.leave_out(NO_ROOM, count),
            Place::Vacant(place) => {
                self.order.push(place.key().clone());
                place.insert(Seen {
                    count,
                    only: only.map(str::to_owned),
                });
            }
        }
    }

    /// Adds what the next block has, for so many paths at most.
    pub(super) fn add(&mut self, mut block: Tally, most: usize) {
        for (total, more) in [
            (&mut self.refused, block.refused),
            (&mut self.failed, block.failed),
            (&mut self.unanswered, block.unanswered),
        ] {
            *total = total.saturating_add(more);
        }
        for (why, count) in std::mem::take(&mut block.left_out) {
            self.leave_out(why, count);
        }
        for key in std::mem::take(&mut block.order) {
            if let Some(seen) = block.seen.remove(&key) {
                self.see(key, seen.count, seen.only.as_deref(), most);
            }
        }
    }
}

/// What reads blocks.
pub(super) struct Tallier {
    since: Option<Timestamp>,
}

impl Tallier {
    pub(super) fn new(since: Option<Timestamp>) -> Self {
        Tallier { since }
    }

    pub(super) fn tally(&mut self, block: &Block) -> (BlockLines, Tally) {
        let mut lines = BlockLines::default();
        let mut tally = Tally::default();
        lines.each(block, self.since, &mut |_, entry| one(entry, &mut tally));
        (lines, tally)
    }
}

fn one(entry: &Entry<'_>, tally: &mut Tally) {
    let total = match Answered::of(entry) {
        Answered::Passed => None,
        Answered::Refused(_)
        | Answered::ByProvider(_)
        | Answered::Token
        | Answered::BeforeFilters => Some(&mut tally.refused),
        Answered::Unsaid => Some(&mut tally.unanswered),
    };
    let is_good = entry
        .code
        .text()
        .and_then(|code| code.parse::<u16>().ok())
        .is_some_and(|code| (100..400).contains(&code));
    // Whoever tries what is not there is to find it no more.
    let total = total.or((!is_good).then_some(&mut tally.failed));
    if let Some(total) = total {
        *total = total.saturating_add(1);
        return;
    }
    match key(entry) {
        Ok((key, path)) => tally.see(key, 1, Some(path), usize::MAX),
        Err(why) => tally.leave_out(why, 1),
    }
}

fn key<'a>(entry: &'a Entry<'_>) -> Result<(Key, &'a str), &'static str> {
    let (method, path) = (entry.method.text(), entry.path.text());
    let (method, path) = method.zip(path).ok_or(UNNAMED)?;
    if !sdk_helpers::config::is_token(method) || method.contains('*') {
        return Err(STAR);
    }
    let who = match &entry.peer {
        Value::Absent => Who::Unsaid,
        Value::Nothing => Who::Unknown,
        Value::Text(name) => Who::Principal(principal(name).ok_or(NAMES)?.to_owned()),
    };
    let shape = shape(path)?;
    let rule = shape.template.unwrap_or_else(|| shape.path.to_owned());
    Ok(((who, method.to_owned(), rule), shape.path))
}

/// What a rule says of an identity.
fn principal(name: &str) -> Option<&str> {
    let principal = name.strip_prefix("spiffe://")?;
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'*' | b',');
    (!principal.is_empty() && principal.bytes().all(is_plain)).then_some(principal)
}
