//! What the VMs of a proxy know of a JWKS together, and how it changes. All of it is pure: the time, and
//! what was read, are arguments.

use std::time::Duration;

use sdk_helpers::{Roll, Timestamp};

use super::{BACK_OFF, EARLY_FETCH, LONGEST_BACK_OFF};
use crate::config::Remote;

/// What is shared of a JWKS beside its text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct SharedState {
    /// The hash of the text of the keys; 0 before there are any.
    pub(super) keys: u64,
    /// When there last were any. The age of a set without keys is that of the last one with some.
    pub(super) fetched: Timestamp,
    /// When they are due.
    pub(super) next: Timestamp,
    /// When they were last fetched before they were due.
    pub(super) early: Timestamp,
    /// Until when no other VM may fetch.
    pub(super) lease: Timestamp,
    /// The VM that fetches; 0 for none.
    pub(super) owner: u64,
    /// Failures in a row.
    pub(super) failures: u32,
}

/// How a fetch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// With keys; the hash of their text.
    Keys(u64),
    /// With a set that has none; likewise.
    NoKeys(u64),
    /// Without a set.
    Failure,
}

impl SharedState {
    /// From shared data. What cannot be read is the state before the first fetch.
    pub(super) fn decode(bytes: Option<&[u8]>) -> Self {
        let mut words = bytes
            .unwrap_or_default()
            .chunks_exact(8)
            .map(|word| word.try_into().map_or(0, u64::from_le_bytes));
        let mut word = || words.next().unwrap_or(0);
        SharedState {
            keys: word(),
            fetched: Timestamp::from_nanos(word()),
            next: Timestamp::from_nanos(word()),
            early: Timestamp::from_nanos(word()),
            lease: Timestamp::from_nanos(word()),
            owner: word(),
            failures: u32::try_from(word()).unwrap_or(0),
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        [
            self.keys,
            self.fetched.as_nanos(),
            self.next.as_nanos(),
            self.early.as_nanos(),
            self.lease.as_nanos(),
            self.owner,
            self.failures.into(),
        ]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect()
    }

    /// Whether a VM is fetching. A clock that was set back makes no lease longer.
    pub(super) fn is_leased(&self, now: Timestamp, remote: &Remote) -> bool {
        self.owner != 0 && now < self.lease && self.lease <= now.saturating_add(lease(remote))
    }

    /// When the next fetch is due. After a clock was set back nothing waits for longer.
    pub(super) fn next_fetch(&self, now: Timestamp, remote: &Remote) -> Timestamp {
        let longest = remote.interval.max(LONGEST_BACK_OFF);
        if self.next > now.saturating_add(longest) {
            return now;
        }
        self.next
    }

    /// Whether a fetch that is not due may be made for an unknown `kid`.
    pub(super) fn may_fetch_early(&self, now: Timestamp) -> bool {
        self.failures == 0 && (now >= self.early.saturating_add(EARLY_FETCH) || now < self.early)
    }

    /// Gives the lease to `owner`, if a fetch is due and no VM is fetching.
    pub(super) fn lease(
        self,
        owner: u64,
        early: bool,
        now: Timestamp,
        remote: &Remote,
    ) -> Option<SharedState> {
        let due = self.next_fetch(now, remote) <= now;
        let early = early && !due && self.may_fetch_early(now);
        if self.is_leased(now, remote) || !(due || early) {
            return None;
        }
        Some(SharedState {
            owner,
            lease: now.saturating_add(lease(remote)),
            early: if early { now } else { self.early },
            ..self
        })
    }

    /// Notes how the fetch of `owner` ended. Nothing if another VM has the lease by now.
    pub(super) fn ended(
        self,
        owner: u64,
        end: End,
        jitter: u64,
        now: Timestamp,
        remote: &Remote,
    ) -> Option<SharedState> {
        if self.owner != owner {
            return None;
        }
        let free = SharedState {
            owner: 0,
            lease: Timestamp::default(),
            ..self
        };
        Some(match end {
            End::Keys(keys) | End::NoKeys(keys) => SharedState {
                keys,
                fetched: match end {
                    End::NoKeys(_) if self.fetched != Timestamp::default() => self.fetched,
                    _ => now,
                },
                next: now.saturating_add(shortened(remote.interval, jitter)),
                failures: 0,
                ..free
            },
            End::Failure => {
                let doubled = BACK_OFF.saturating_mul(1 << self.failures.min(16));
                let longest = LONGEST_BACK_OFF.min(remote.interval);
                let wait = shortened(doubled.min(longest), jitter);
                SharedState {
                    next: now.saturating_add(wait),
                    failures: self.failures.saturating_add(1),
                    ..free
                }
            }
        })
    }
}

/// How long a fetch can last: two calls, and a little.
fn lease(remote: &Remote) -> Duration {
    remote
        .timeout
        .saturating_mul(2)
        .saturating_add(Duration::from_secs(1))
}

/// A time less up to a tenth, so that the proxies of a mesh do not all ask at once.
fn shortened(time: Duration, jitter: u64) -> Duration {
    let share = u128::from(jitter.min(Roll::SIDES.into()));
    let less = time.as_nanos() / 10 * share / u128::from(Roll::SIDES);
    time.saturating_sub(Duration::from_nanos(u64::try_from(less).unwrap_or(0)))
}
