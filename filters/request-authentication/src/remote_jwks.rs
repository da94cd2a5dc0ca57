//! Keys that are fetched: one set, kept fresh by all the VMs of a proxy together.
//!
//! Each VM has a ring of its own, and they meet in cells that all of them share. The first holds
//! [`State`]: when keys were fetched, when they are due again, and who is fetching. Whoever finds
//! them due takes the lease by a compare-and-set and is the only one to ask the issuer; the answer
//! goes into the second cell, from which the others read it. The third holds what was said of it in
//! the log. A ring dispatches nothing itself: it says which call it wants made and is told the
//! answer, and it is told the time.
//!
//! What an issuer publishes is what counts, also when that is nothing: a set without a key that can
//! be used takes the place of the keys there were, in every VM and in those that are yet to start,
//! until a set with keys comes. An answer that is no set changes nothing.

mod fetch;
mod log_once;
mod lookup;
mod shared_data;
mod state;

use std::rc::Rc;
use std::time::Duration;

use sdk_helpers::{Answer, Call, Timestamp, World};

use crate::config::Remote;
use crate::keys::KeySet;
use crate::keys::set::EXPIRED;
pub use fetch::Kind;
use fetch::{Got, Step};
use state::{End, State};

/// How often a VM looks whether another one has fetched keys.
const LOOK: Duration = Duration::from_secs(1);
/// The same while a request waits for them.
const HURRY: Duration = Duration::from_millis(20);
/// Between two fetches that are not due, and are made because a token names a key nobody has seen.
const EARLY: Duration = Duration::from_secs(10);
/// How long such a name is remembered when the issuer does not know it either.
const REFUSED_FOR: Duration = Duration::from_secs(60);
/// Names remembered so.
const MOST_REFUSED: usize = 64;
/// After the first failure, doubled with each, and no longer than the time between two fetches.
const BACK_OFF: Duration = Duration::from_millis(250);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(30);

/// A set of keys that is fetched.
#[derive(Debug)]
pub struct Ring {
    remote: Remote,
    state_cell: String,
    keys_cell: String,
    told_cell: String,
    /// The shared state as last seen.
    seen: State,
    /// The keys as last read, and the hash of their text.
    keys: Option<(Rc<KeySet>, u64)>,
    fallback: Option<Rc<KeySet>>,
    /// Changes with the keys; 0 is the fallback's.
    generation: u32,
    /// What this VM is fetching.
    errand: Option<Errand>,
    /// A request saw something new in the cells, and those who wait have not been told.
    untold: bool,
    /// A token named a key that is not among these.
    early: bool,
    /// A request waits until then at most.
    hurry_until: Timestamp,
    refused: Vec<(Box<str>, Timestamp)>,
}

#[derive(Debug)]
struct Errand {
    owner: u64,
    step: Step,
}

/// What comes of asking a ring.
#[derive(Debug, Default)]
pub struct News {
    /// A call to make.
    pub call: Option<Call>,
    /// How a fetch of this VM ended.
    pub fetched: Option<Fetched>,
    /// What is to be said of that in the log, each in a line.
    pub lines: Vec<String>,
    /// Whether anything changed that a request may wait for.
    pub changed: bool,
}

/// How a fetch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetched {
    /// With keys.
    Keys,
    /// With a set that has none.
    NoKeys,
    /// Without a set.
    Failed(Kind),
}

impl Ring {
    /// A ring with nothing on it.
    pub fn new(mut remote: Remote) -> Self {
        let fallback = remote.fallback.take().map(Rc::new);
        let name = fetch::name(&remote);
        Ring {
            state_cell: format!("mesh_filters.jwks.state {name}"),
            keys_cell: format!("mesh_filters.jwks.keys {name}"),
            told_cell: format!("mesh_filters.jwks.told {name}"),
            remote,
            seen: State::default(),
            keys: None,
            fallback,
            generation: 0,
            errand: None,
            untold: false,
            early: false,
            hurry_until: Timestamp::default(),
            refused: Vec::new(),
        }
    }

    /// The longest a request waits for keys.
    pub fn patience(&self) -> Duration {
        self.remote.timeout
    }

    /// The keys that count at `now`, and a number that changes with them. What was withdrawn does not
    /// come back because time passes: not by the keys of the configuration either.
    pub fn current(&self, now: Timestamp) -> Option<(&Rc<KeySet>, u32)> {
        let end = self.seen.fetched.saturating_add(self.remote.max_stale);
        if let Some((set, _)) = &self.keys
            && (now <= end || set.is_empty())
        {
            return Some((set, self.generation));
        }
        self.fallback.as_ref().map(|set| (set, 0))
    }

    /// How many keys count.
    pub fn size(&self, now: Timestamp) -> usize {
        self.current(now).map_or(0, |(set, _)| set.size())
    }

    /// The seconds since keys were fetched; `None` before the first time. They are not fetched by a
    /// set that has none.
    pub fn age(&self, now: Timestamp) -> Option<u64> {
        let fetched = self.seen.fetched;
        (fetched != Timestamp::default())
            .then(|| now.as_nanos().saturating_sub(fetched.as_nanos()) / 1_000_000_000)
    }

    /// How many fetches have failed in a row.
    pub fn failures(&self) -> u32 {
        self.seen.failures
    }

    /// When to be asked again, from `now`.
    pub fn again(&self, now: Timestamp) -> Duration {
        if now < self.hurry_until {
            return HURRY;
        }
        let next = self.seen.next_fetch(now, &self.remote).as_nanos();
        Duration::from_nanos(next.saturating_sub(now.as_nanos())).clamp(HURRY, LOOK)
    }

    /// Looks, and fetches what is due if nobody else does.
    pub fn tend(&mut self, world: &dyn World) -> News {
        let now = world.now();
        let changed = self.look(world) | std::mem::take(&mut self.untold);
        if changed {
            self.rest(now);
        }
        let owner = u64::from(world.roll().value()) << 32 | u64::from(world.roll().value()) | 1;
        let mut taken = None;
        let (early, remote) = (self.early, &self.remote);
        let _ = world.update(&self.state_cell, &mut |bytes| {
            taken = State::decode(bytes).lease(owner, early, now, remote);
            taken.as_ref().map(State::encode)
        });
        let mut news = News {
            changed,
            ..News::default()
        };
        if let Some(state) = taken {
            self.seen = state;
            self.early = false;
            let step = Step::first(&self.remote);
            news.call = Some(step.call(&self.remote));
            self.errand = Some(Errand { owner, step });
        }
        news
    }

    /// Takes the answer to the call it asked for.
    pub fn answered(&mut self, answer: &Answer, world: &dyn World) -> News {
        let mut news = News::default();
        let Some(Errand { owner, step }) = self.errand.take() else {
            return news;
        };
        let now = world.now();
        let (fetched, end) = match step.answered(answer, &self.remote) {
            Ok(Got::Next(step)) => {
                news.call = Some(step.call(&self.remote));
                self.errand = Some(Errand { owner, step });
                return news;
            }
            Ok(Got::Keys(text, read)) => {
                let hash = fetch::hash(&text);
                self.publish(owner, text, world);
                let mut expired = read.expired(now);
                if let Some(place) = expired.next() {
                    // In one line: there may be hundreds.
                    let what = match expired.count() {
                        0 => format!("{place}: {EXPIRED}"),
                        more => format!("{place} and {more} more: {EXPIRED}"),
                    };
                    news.lines.push(step.report(&self.remote, &what));
                }
                match read.without_keys() {
                    None => (Fetched::Keys, End::Keys(hash)),
                    Some(problem) => {
                        let what = format!(
                            "a key set that {problem}; tokens are refused until it has one"
                        );
                        news.lines.push(step.report(&self.remote, &what));
                        (Fetched::NoKeys, End::NoKeys(hash))
                    }
                }
            }
            Err(trouble) => {
                news.lines.push(step.report(&self.remote, &trouble.what));
                (Fetched::Failed(trouble.kind), End::Failure)
            }
        };
        let jitter = u64::from(world.roll().value());
        let remote = &self.remote;
        let _ = world.update(&self.state_cell, &mut |bytes| {
            State::decode(bytes)
                .ended(owner, end, jitter, now, remote)
                .map(|state| state.encode())
        });
        news.changed = self.look(world);
        self.rest(now);
        news.fetched = Some(fetched);
        news.lines.retain(|line| self.is_news(line, now, world));
        news
    }

    /// Ends the hurry: those who wait are asked again, and say anew how long they can.
    fn rest(&mut self, now: Timestamp) {
        if !self.seen.is_leased(now, &self.remote) {
            self.hurry_until = Timestamp::default();
        }
    }
}

#[cfg(test)]
mod tests;
