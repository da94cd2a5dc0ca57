//! The keys for a token.

use std::rc::Rc;

use sdk_helpers::{Timestamp, World};

use super::{MOST_UNKNOWN_KIDS, RemoteJwks, UNKNOWN_KID_FOR};
use crate::policy::KeyLookup;

impl RemoteJwks {
    /// The keys for a token with this `kid`, or whether it is worth waiting for others.
    ///
    /// `deadline` is when the request can wait no longer; `None` if that time has come. `waited` says
    /// that it waited already, and was woken by an answer.
    pub fn find(
        &mut self,
        kid: Option<&str>,
        deadline: Option<Timestamp>,
        waited: bool,
        now: Timestamp,
        world: &dyn World,
    ) -> KeyLookup {
        if let Some((set, generation)) = self.current(now)
            && set.knows(kid)
        {
            return KeyLookup::Keys(Rc::clone(set), generation);
        }
        // Another VM may have them already.
        self.wake_pending |= self.read_shared(world);
        let known = self
            .current(now)
            .map(|(set, generation)| (Rc::clone(set), generation));
        let wait = match &known {
            Some((set, _)) if set.knows(kid) => false,
            // Whether the issuer has keys again is asked soon, and no request waits for it.
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
        if wait {
            self.waited_for_until = self.waited_for_until.max(deadline.unwrap_or_default());
            return KeyLookup::Wait;
        }
        match known {
            Some((set, generation)) => KeyLookup::Keys(set, generation),
            None => KeyLookup::None,
        }
    }

    /// Whether a key of this name may come soon: a fetch is on, or one may be made.
    fn may_learn(&mut self, kid: &str, waited: bool, now: Timestamp) -> bool {
        self.unknown_kids.retain(|(_, until)| *until > now);
        if self.unknown_kids.iter().any(|(name, _)| **name == *kid) {
            return false;
        }
        if self.seen.is_leased(now, &self.remote) {
            return true;
        }
        if self.seen.may_fetch_early(now) {
            self.early = true;
            return true;
        }
        if waited && self.unknown_kids.len() < MOST_UNKNOWN_KIDS {
            self.unknown_kids
                .push((kid.into(), now.saturating_add(UNKNOWN_KID_FOR)));
        }
        false
    }
}
