//! Keys that are fetched: one JWKS, kept fresh by all the VMs of a proxy together.
//!
//! Each VM has a [`RemoteJwks`] of its own, and they meet in Envoy's shared data, under three keys. The
//! first holds [`SharedState`]: when keys were fetched, when they are due again, and who is fetching. The
//! VM that finds them due takes the lease by a compare-and-set and is the only one to ask the issuer;
//! the answer goes under the second key, from which the others read it. The third holds which warnings
//! were logged. Nothing here makes a call or reads a clock of its own: it returns the call to be made
//! and is given the answer.
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

use sdk_helpers::{Call, CallResult, Timestamp, World};

use crate::config::Remote;
use crate::keys::KeySet;
use crate::keys::set::EXPIRED;
pub use fetch::FailureKind;
use fetch::{FetchStep, Received};
use state::{End, SharedState};

/// How often a VM reads shared data for keys that another one has fetched.
const POLL: Duration = Duration::from_secs(1);
/// The same while a request waits for them.
const POLL_WHILE_WAITED_FOR: Duration = Duration::from_millis(20);
/// The least time between two fetches that are not due, and are made because a token has an unknown
/// `kid`.
const EARLY_FETCH: Duration = Duration::from_secs(10);
/// How long a `kid` is remembered that the issuer does not know either.
const UNKNOWN_KID_FOR: Duration = Duration::from_secs(60);
/// How many of them.
const MOST_UNKNOWN_KIDS: usize = 64;
/// After the first failure, doubled with each, and no longer than the time between two fetches.
const BACK_OFF: Duration = Duration::from_millis(250);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(30);

/// Keys that are fetched, as one VM has them.
#[derive(Debug)]
pub struct RemoteJwks {
    remote: Remote,
    state_key: String,
    jwks_key: String,
    logged_key: String,
    /// The shared state as last read.
    seen: SharedState,
    /// The keys as last read, and the hash of their text.
    keys: Option<(Rc<KeySet>, u64)>,
    fallback: Option<Rc<KeySet>>,
    /// Changes with the keys; 0 is the fallback's.
    generation: u32,
    /// The fetch of this VM, while it waits for an answer.
    in_flight: Option<InFlight>,
    /// A request read something new from shared data; the requests that wait are to be woken.
    wake_pending: bool,
    /// A token has an unknown `kid`: keys are to be fetched before they are due.
    early: bool,
    /// Until when, at most, a request waits for keys.
    waited_for_until: Timestamp,
    /// What the issuer does not know either, and until when that is believed.
    unknown_kids: Vec<(Box<str>, Timestamp)>,
}

#[derive(Debug)]
struct InFlight {
    owner: u64,
    step: FetchStep,
}

/// What comes of [`RemoteJwks::poll`] or of an answer.
#[derive(Debug, Default)]
pub struct FetchResult {
    /// A call to make.
    pub call: Option<Call>,
    /// How a fetch of this VM ended, if one did.
    pub fetched: Option<Fetched>,
    /// Warnings about it for the log.
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
    Failed(FailureKind),
}

impl RemoteJwks {
    /// Without keys yet, but for those of the configuration.
    pub fn new(mut remote: Remote) -> Self {
        let fallback = remote.fallback.take().map(Rc::new);
        let name = fetch::name(&remote);
        RemoteJwks {
            state_key: format!("mesh_filters.jwks.state {name}"),
            jwks_key: format!("mesh_filters.jwks.keys {name}"),
            logged_key: format!("mesh_filters.jwks.told {name}"),
            remote,
            seen: SharedState::default(),
            keys: None,
            fallback,
            generation: 0,
            in_flight: None,
            wake_pending: false,
            early: false,
            waited_for_until: Timestamp::default(),
            unknown_kids: Vec::new(),
        }
    }

    /// The longest a request waits for keys.
    pub fn longest_wait(&self) -> Duration {
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
        if now < self.waited_for_until {
            return POLL_WHILE_WAITED_FOR;
        }
        let next = self.seen.next_fetch(now, &self.remote).as_nanos();
        Duration::from_nanos(next.saturating_sub(now.as_nanos())).clamp(POLL_WHILE_WAITED_FOR, POLL)
    }

    /// Reads shared data, and fetches what is due if no other VM does.
    pub fn poll(&mut self, world: &dyn World) -> FetchResult {
        let now = world.now();
        let changed = self.read_shared(world) | std::mem::take(&mut self.wake_pending);
        if changed {
            self.end_wait(now);
        }
        let owner = u64::from(world.roll().value()) << 32 | u64::from(world.roll().value()) | 1;
        let mut taken = None;
        let (early, remote) = (self.early, &self.remote);
        let _ = world.update(&self.state_key, &mut |bytes| {
            taken = SharedState::decode(bytes).lease(owner, early, now, remote);
            taken.as_ref().map(SharedState::encode)
        });
        let mut result = FetchResult {
            changed,
            ..FetchResult::default()
        };
        if let Some(state) = taken {
            self.seen = state;
            self.early = false;
            let step = FetchStep::first(&self.remote);
            result.call = Some(step.call(&self.remote));
            self.in_flight = Some(InFlight { owner, step });
        }
        result
    }

    /// Takes the answer to the call that the last result asked for.
    pub fn answered(&mut self, answer: &CallResult, world: &dyn World) -> FetchResult {
        let mut result = FetchResult::default();
        let Some(InFlight { owner, step }) = self.in_flight.take() else {
            return result;
        };
        let now = world.now();
        let (fetched, end) = match step.answered(answer, &self.remote) {
            Ok(Received::Next(step)) => {
                result.call = Some(step.call(&self.remote));
                self.in_flight = Some(InFlight { owner, step });
                return result;
            }
            Ok(Received::Keys(text, read)) => {
                let hash = fetch::hash(&text);
                self.publish(owner, text, world);
                let mut expired = read.expired(now);
                if let Some(place) = expired.next() {
                    // In one line: there may be hundreds.
                    let what = match expired.count() {
                        0 => format!("{place}: {EXPIRED}"),
                        more => format!("{place} and {more} more: {EXPIRED}"),
                    };
                    result.lines.push(step.report(&self.remote, &what));
                }
                match read.without_keys() {
                    None => (Fetched::Keys, End::Keys(hash)),
                    Some(problem) => {
                        let what = format!(
                            "a key set that {problem}; tokens are refused until it has one"
                        );
                        result.lines.push(step.report(&self.remote, &what));
                        (Fetched::NoKeys, End::NoKeys(hash))
                    }
                }
            }
            Err(failure) => {
                result.lines.push(step.report(&self.remote, &failure.what));
                (Fetched::Failed(failure.kind), End::Failure)
            }
        };
        let jitter = u64::from(world.roll().value());
        let remote = &self.remote;
        let _ = world.update(&self.state_key, &mut |bytes| {
            SharedState::decode(bytes)
                .ended(owner, end, jitter, now, remote)
                .map(|state| state.encode())
        });
        result.changed = self.read_shared(world);
        self.end_wait(now);
        result.fetched = Some(fetched);
        result.lines.retain(|line| self.may_log(line, now, world));
        result
    }

    /// Waits no longer, unless a fetch is still on: the requests that wait are asked again, and each
    /// says anew how long it can.
    fn end_wait(&mut self, now: Timestamp) {
        if !self.seen.is_leased(now, &self.remote) {
            self.waited_for_until = Timestamp::default();
        }
    }
}

#[cfg(test)]
mod tests;
