//! What a request asks of a ring.

use std::rc::Rc;

use sdk_helpers::{Timestamp, World};

use super::{MOST_REFUSED, REFUSED_FOR, Ring};
use crate::policy::Keyring;

impl Ring {
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
}
