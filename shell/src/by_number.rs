//! What there is of each context and of each call, by the number that Envoy gave it.
//!
//! Envoy counts them up and names a context at every callback, so finding it must cost next to nothing,
//! however many streams are held at the time. The numbers are Envoy's own and no client's: no hash has to
//! be secret, and one multiplication spreads what is counted up.

/// Values by number; an open table, at most half full.
#[derive(Debug)]
pub(crate) struct ByNumber<T> {
    /// None, or a power of two of them.
    slots: Vec<Option<(u32, T)>>,
    used: usize,
}

/// The fewest slots of a table with anything in it.
const FEWEST: usize = 16;

/// 2³² by the golden ratio: numbers that follow each other come to lie as far apart as can be.
const SPREAD: u32 = 0x9e37_79b9;

impl<T> ByNumber<T> {
    pub(crate) const fn new() -> Self {
        ByNumber {
            slots: Vec::new(),
            used: 0,
        }
    }

    pub(crate) fn get(&self, number: u32) -> Option<&T> {
        let mut at = self.home(number);
        while let Some((found, value)) = self.slots.get(at)? {
            if *found == number {
                return Some(value);
            }
            at = self.after(at);
        }
        None
    }

    /// Adds one; what had this number before is gone.
    pub(crate) fn insert(&mut self, number: u32, value: T) {
        if self.used.saturating_mul(2) >= self.slots.len() {
            self.grow();
        }
        let mut at = self.home(number);
        while let Some(slot) = self.slots.get_mut(at) {
            match slot {
                Some((found, _)) if *found != number => at = self.after(at),
                _ => {
                    self.used += usize::from(slot.is_none());
                    *slot = Some((number, value));
                    return;
                }
            }
        }
    }

    pub(crate) fn remove(&mut self, number: u32) -> Option<T> {
        let mut at = self.home(number);
        loop {
            match self.slots.get(at)? {
                Some((found, _)) if *found == number => break,
                Some(_) => at = self.after(at),
                None => return None,
            }
        }
        let (_, gone) = self.slots.get_mut(at)?.take()?;
        self.used = self.used.saturating_sub(1);
        self.close(at);
        Some(gone)
    }

    /// Moves what stands behind a gap into it, where its own search would now end too early.
    fn close(&mut self, mut gap: usize) {
        let mut at = self.after(gap);
        while let Some(Some((number, _))) = self.slots.get(at) {
            let way = self.distance(self.home(*number), at);
            if way >= self.distance(gap, at) {
                self.slots.swap(gap, at);
                gap = at;
            }
            at = self.after(at);
        }
    }

    #[cold]
    fn grow(&mut self) {
        let size = self.slots.len().saturating_mul(2).max(FEWEST);
        let slots = std::iter::repeat_with(|| None).take(size).collect();
        self.used = 0;
        for (number, value) in std::mem::replace(&mut self.slots, slots)
            .into_iter()
            .flatten()
        {
            self.insert(number, value);
        }
    }

    /// Where the search for a number begins.
    fn home(&self, number: u32) -> usize {
        // Its highest bits are the best spread ones.
        let bits = self.slots.len().trailing_zeros();
        let spread = number.wrapping_mul(SPREAD);
        spread
            .checked_shr(u32::BITS.wrapping_sub(bits))
            .unwrap_or(0) as usize
    }

    fn after(&self, at: usize) -> usize {
        at.wrapping_add(1) & self.mask()
    }

    /// How many steps it is from one slot to another.
    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & self.mask()
    }

    fn mask(&self) -> usize {
        self.slots.len().wrapping_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn nothing_is_found_in_nothing() {
        let mut none = ByNumber::<u8>::new();
        assert_eq!(none.get(1), None);
        assert_eq!(none.remove(1), None);
    }

    #[test]
    fn a_number_given_again_is_the_later_context() {
        let mut contexts = ByNumber::new();
        contexts.insert(7, "first");
        contexts.insert(7, "second");
        assert_eq!(contexts.used, 1);
        assert_eq!(contexts.remove(7), Some("second"));
        assert_eq!(contexts.get(7), None);
    }

    /// Numbers that begin their search at the same slot, and at the last ones, beyond which it goes round.
    #[test]
    fn what_collides_is_found_whatever_leaves_first() {
        let full = {
            let mut contexts = ByNumber::new();
            contexts.insert(1, 1);
            let last = |number: &u32| contexts.home(*number) >= contexts.slots.len() - 2;
            let colliding: Vec<u32> = (2..).filter(last).take(FEWEST / 2).collect();
            contexts.remove(1);
            colliding
        };
        for first in 0..full.len() {
            let mut contexts = ByNumber::new();
            full.iter()
                .for_each(|number| contexts.insert(*number, *number));
            assert_eq!(contexts.slots.len(), FEWEST);
            for gone in full.iter().cycle().skip(first).take(full.len()) {
                assert_eq!(contexts.remove(*gone), Some(*gone));
                assert_eq!(contexts.get(*gone), None);
                let left = full
                    .iter()
                    .filter(|number| contexts.get(**number).is_some());
                assert_eq!(left.count(), contexts.used);
            }
            assert_eq!(contexts.used, 0);
        }
    }

    /// The same as a map of the standard library, over a long life with many coming and going.
    #[test]
    fn a_long_life_loses_and_keeps_nothing() {
        let (mut contexts, mut expected) = (ByNumber::new(), BTreeMap::new());
        // Beyond the last number Envoy begins at the first again.
        let mut next = u32::MAX - 5_000;
        let mut dice = 1_u32;
        for _ in 0..20_000 {
            next = next.wrapping_add(1);
            contexts.insert(next, next);
            expected.insert(next, next);
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let gone = next.wrapping_sub(dice >> 22);
            assert_eq!(contexts.remove(gone), expected.remove(&gone));
            assert_eq!(contexts.get(next).is_some(), expected.contains_key(&next));
        }
        for (number, value) in &expected {
            assert_eq!(contexts.get(*number), Some(value));
        }
        assert_eq!(contexts.used, expected.len());
        assert!(contexts.slots.len() <= (expected.len() * 4).next_power_of_two());
    }

    /// A thousand held streams are in nobody's way.
    #[test]
    fn held_streams_make_no_search_long() {
        let mut contexts = ByNumber::new();
        (1..=1_000).for_each(|held| contexts.insert(held, ()));
        let mut longest = 0;
        for number in 1_001..100_000 {
            contexts.insert(number, ());
            let home = contexts.home(number);
            let steps = (0..contexts.slots.len())
                .position(|step| {
                    let slot = &contexts.slots[(home + step) & contexts.mask()];
                    matches!(slot, Some((here, ())) if *here == number)
                })
                .expect("it is there");
            longest = longest.max(steps);
            contexts.remove(number);
        }
        assert!(longest <= 4, "{longest} steps");
    }
}
