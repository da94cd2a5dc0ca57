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
mod state;
mod told;

use std::rc::Rc;
use std::time::Duration;

use sdk_helpers::{Answer, Call, Timestamp, World};

use crate::config::Remote;
use crate::keys::KeySet;
use crate::keys::set::EXPIRED;
use crate::policy::Keyring;
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

    /// The keys for a token with this `kid`, or whether it is worth waiting for others.
    ///
    /// `deadline` is when the request can wait no longer; `None` if it has done so. `waited` tells
    /// that it waited already, and that what it waited for has come.
    pub fn find(
        &mut self,
        kid: Option<&str>,
        deadline: Option<Timestamp>,
        waited: bool,
        now: Timestamp,
        world: &dyn World,
    ) -> Keyring {
        if let Some((set, generation)) = self.current(now)
            && set.knows(kid)
        {
            return Keyring::Keys(Rc::clone(set), generation);
        }
        // Another VM may have them already.
        self.untold |= self.look(world);
        let known = self
            .current(now)
            .map(|(set, generation)| (Rc::clone(set), generation));
        let soon = match &known {
            Some((set, _)) if set.knows(kid) => false,
            // Whether there are keys again is asked soon, and nobody waits for it.
            Some((set, _)) if set.is_empty() => {
                self.early |= self.seen.may_fetch_early(now);
                false
            }
            _ if deadline.is_none() => false,
            Some(_) if self.seen.fetched != Timestamp::default() => {
                self.may_learn(kid.unwrap_or_default(), waited, now)
            }
            _ => {
                let next = self.seen.next_fetch(now, &self.remote);
                self.seen.is_leased(now, &self.remote) || deadline.is_some_and(|end| next <= end)
            }
        };
        if soon {
            self.hurry_until = self.hurry_until.max(deadline.unwrap_or_default());
            return Keyring::Soon;
        }
        match known {
            Some((set, generation)) => Keyring::Keys(set, generation),
            None => Keyring::Nothing,
        }
    }

    /// Whether a key of this name may come soon: somebody is fetching, or may.
    fn may_learn(&mut self, kid: &str, waited: bool, now: Timestamp) -> bool {
        self.refused.retain(|(_, until)| *until > now);
        if self.refused.iter().any(|(name, _)| **name == *kid) {
            return false;
        }
        if self.seen.is_leased(now, &self.remote) {
            return true;
        }
        if self.seen.may_fetch_early(now) {
            self.early = true;
            return true;
        }
        if waited && self.refused.len() < MOST_REFUSED {
            self.refused
                .push((kid.into(), now.saturating_add(REFUSED_FOR)));
        }
        false
    }

    /// Looks at the shared cells; whether anything is new there.
    pub fn look(&mut self, world: &dyn World) -> bool {
        let mut state = State::default();
        let _ = world.update(&self.state_cell, &mut |bytes| {
            state = State::decode(bytes);
            None
        });
        if state == self.seen {
            return false;
        }
        if state.next != self.seen.next || state.failures != self.seen.failures {
            self.early = false;
        }
        let known = self.keys.as_ref().map_or(0, |(_, hash)| *hash);
        self.seen = state;
        if state.keys != known && !self.read_keys(state.keys, world) {
            // They are looked for again, and fetched if nobody else does.
            self.seen.keys = known;
            self.early = true;
        }
        true
    }

    /// Reads the keys whose text has this hash, and no others: what a VM wrote that had lost its
    /// lease may be older, and have keys that were withdrawn since.
    fn read_keys(&mut self, hash: u64, world: &dyn World) -> bool {
        let mut text = Vec::new();
        let _ = world.update(&self.keys_cell, &mut |bytes| {
            text = bytes.unwrap_or_default().to_vec();
            None
        });
        // It was readable to whoever wrote it.
        match KeySet::read(&text) {
            Ok(read) if fetch::hash(&text) == hash => {
                self.keys = Some((Rc::new(read.set), hash));
                self.generation = self.generation.wrapping_add(1).max(1);
                self.refused.clear();
                true
            }
            _ => false,
        }
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

    /// Puts a text where the others find it, unless somebody else has the lease by now.
    fn publish(&self, owner: u64, text: Vec<u8>, world: &dyn World) {
        let mut holds = false;
        let _ = world.update(&self.state_cell, &mut |bytes| {
            holds = State::decode(bytes).owner == owner;
            None
        });
        if holds {
            let _ = world.update(&self.keys_cell, &mut |bytes| {
                (bytes != Some(text.as_slice())).then(|| text.clone())
            });
        }
    }

    /// Whether a line has not been told lately, by this VM or another.
    fn is_news(&self, line: &str, now: Timestamp, world: &dyn World) -> bool {
        let mut news = false;
        let _ = world.update(&self.told_cell, &mut |bytes| {
            let told = told::tell(bytes, fetch::hash(line.as_bytes()), now);
            news = told.is_some();
            told
        });
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
