//! Tokens that were verified, so that they need not be again with the next request.
//!
//! Bounded, and keyed by the whole token, byte for byte: two tokens are never taken for each other.
//! A hit says only that the signature was good under these keys; times and keys are asked anew.

use std::cell::Cell;
use std::rc::Rc;

use sdk_helpers::text::same;

use crate::verified::Verified;

/// Tokens that share a place; the longest unused makes way.
const WAYS: usize = 8;

/// Longer ones are verified each time, as Envoy's own cache has it: a few of them must not fill the
/// memory of a worker.
const LONGEST: usize = 4096;

/// Verified tokens, no more than a number that the configuration sets.
#[derive(Debug, Default)]
pub struct Cache {
    slots: Vec<Option<Rc<CachedToken>>>,
    ways: usize,
    /// Counts uses.
    clock: u64,
}

/// A verified token.
#[derive(Debug)]
pub struct CachedToken {
    /// Its bytes.
    pub token: Box<[u8]>,
    /// The index of the rule it was verified by.
    pub rule: usize,
    /// Which keys of the rule it was verified with; see
    /// [`RemoteKeys::generation`](crate::policy::RemoteKeys::generation).
    pub generation: u32,
    /// Its `iss`.
    pub issuer: Box<str>,
    /// Seconds since the epoch.
    pub not_before: u64,
    /// Seconds since the epoch; 0 for never.
    pub expires: u64,
    /// What it leads to.
    pub verified: Rc<Verified>,
    /// When it was last used, by the count of uses.
    pub used: Cell<u64>,
}

impl Cache {
    /// A cache of `size` tokens; none for 0.
    pub fn new(size: usize) -> Self {
        let ways = size.min(WAYS);
        let slots = size.checked_div(ways).unwrap_or(0).saturating_mul(ways);
        Cache {
            slots: (0..slots).map(|_| None).collect(),
            ways,
            clock: 0,
        }
    }

    /// A token, if it is here.
    pub fn find(&mut self, token: &[u8]) -> Option<Rc<CachedToken>> {
        self.clock = self.clock.saturating_add(1);
        let clock = self.clock;
        let mut entries = self.set(token).iter().flatten();
        let entry = entries.find(|entry| same(&entry.token, token))?;
        entry.used.set(clock);
        Some(Rc::clone(entry))
    }

    /// Keeps a token, in the slot that it has already, else in that of the one unused for longest.
    pub fn insert(&mut self, entry: CachedToken) {
        if entry.token.len() > LONGEST {
            return;
        }
        self.clock = self.clock.saturating_add(1);
        entry.used.set(self.clock);
        let set = self.set(&entry.token);
        let age = |slot: &Option<Rc<CachedToken>>| slot.as_ref().map_or(0, |old| old.used.get());
        let same = set
            .iter()
            .position(|slot| slot.as_ref().is_some_and(|old| old.token == entry.token));
        let oldest = || (0..set.len()).min_by_key(|at| set.get(*at).map(age));
        if let Some(slot) = same.or_else(oldest).and_then(|at| set.get_mut(at)) {
            *slot = Some(Rc::new(entry));
        }
    }

    /// Forgets a token.
    pub fn remove(&mut self, token: &[u8]) {
        for slot in self.set(token) {
            if slot.as_ref().is_some_and(|entry| *entry.token == *token) {
                *slot = None;
            }
        }
    }

    /// The slots a token may be in, by the end of its signature. Only verified tokens are kept, so
    /// only who holds the issuer's key can choose where they fall.
    fn set(&mut self, token: &[u8]) -> &mut [Option<Rc<CachedToken>>] {
        let sets = self.slots.len().checked_div(self.ways).unwrap_or(0);
        #[allow(
            clippy::cast_possible_truncation,
            reason = "less than the number of sets"
        )]
        let set = hash(token).checked_rem(sets as u64).unwrap_or(0) as usize;
        let start = set.saturating_mul(self.ways);
        self.slots
            .get_mut(start..start.saturating_add(self.ways))
            .unwrap_or_default()
    }
}

/// Of the last sixteen bytes, or as many as there are.
fn hash(token: &[u8]) -> u64 {
    let end = token.last_chunk::<16>().map_or_else(
        || {
            token
                .iter()
                .fold(0, |all, byte| (all << 8) | u128::from(*byte))
        },
        |end| u128::from_le_bytes(*end),
    );
    #[allow(clippy::cast_possible_truncation, reason = "both halves count")]
    let (low, high) = (end as u64, (end >> 64) as u64);
    let mixed = (low ^ high.rotate_left(31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed >> 24
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sdk_helpers::claims::Claims;

    fn entry(token: &[u8], rule: usize) -> CachedToken {
        CachedToken {
            token: token.into(),
            rule,
            generation: 0,
            issuer: "".into(),
            not_before: 0,
            expires: 0,
            verified: Rc::new(Verified {
                claims: Rc::new(Claims::new(serde_json::Value::Null)),
                headers: vec![],
                unsafe_claim: false,
            }),
            used: Cell::new(0),
        }
    }

    #[test]
    fn a_token_is_found_by_all_of_its_bytes() {
        let mut cache = Cache::new(100);
        cache.insert(entry(b"head.one.same-signature-end", 1));
        cache.insert(entry(b"head.two.same-signature-end", 2));
        assert_eq!(cache.find(b"head.one.same-signature-end").unwrap().rule, 1);
        assert_eq!(cache.find(b"head.two.same-signature-end").unwrap().rule, 2);
        assert!(cache.find(b"head.six.same-signature-end").is_none());
        cache.insert(entry(b"head.two.same-signature-end", 3));
        assert_eq!(cache.find(b"head.two.same-signature-end").unwrap().rule, 3);
        cache.remove(b"head.two.same-signature-end");
        assert!(cache.find(b"head.two.same-signature-end").is_none());
    }

    #[test]
    fn the_one_unused_for_longest_makes_way() {
        let mut cache = Cache::new(2);
        cache.insert(entry(b"a", 0));
        cache.insert(entry(b"b", 0));
        assert!(cache.find(b"a").is_some());
        cache.insert(entry(b"c", 0));
        assert!(cache.find(b"a").is_some());
        assert!(cache.find(b"b").is_none());
        assert!(cache.find(b"c").is_some());
    }

    #[test]
    fn none_is_none_and_long_tokens_are_not_kept() {
        let mut none = Cache::new(0);
        none.insert(entry(b"a", 0));
        assert!(none.find(b"a").is_none());
        none.remove(b"a");
        let mut cache = Cache::new(10);
        cache.insert(entry(&[b'a'; LONGEST + 1], 0));
        assert!(cache.find(&[b'a'; LONGEST + 1]).is_none());
    }

    #[test]
    fn most_of_as_many_tokens_as_it_holds_stay() {
        let mut cache = Cache::new(1_000);
        let token = |number: u32| {
            format!(
                "h.p.{:x}",
                u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            )
        };
        for number in 0..1_000 {
            cache.insert(entry(token(number).as_bytes(), 0));
        }
        let kept = (0..1_000)
            .filter(|n| cache.find(token(*n).as_bytes()).is_some())
            .count();
        assert!(kept > 800, "{kept}");
    }

    proptest! {
        #[test]
        fn it_never_holds_more_than_it_may(size in 0usize..40, tokens in prop::collection::vec("[a-c]{0,3}", 0..200)) {
            let mut cache = Cache::new(size);
            for token in &tokens {
                cache.insert(entry(token.as_bytes(), 0));
                prop_assert_eq!(cache.find(token.as_bytes()).is_some(), size > 0);
            }
            prop_assert!(cache.slots.iter().flatten().count() <= size);
        }
    }
}
