//! Which of its conditions a rule is filed under: those that fewest other rules share.

use crate::lookup::LookupKey;
use crate::rule::{Condition, Rule};
use crate::view::Attribute;

/// Whether case does not count.
pub(super) fn fold(attribute: &Attribute) -> bool {
    *attribute == Attribute::Host
}

/// Conditions of which one must hold for a rule to hold, and that can be filed.
pub(super) struct IndexedConditions<'a> {
    pub(super) conditions: Vec<&'a Condition>,
    /// What the most common of its values lets through.
    share: u64,
    cost: u8,
}

impl<'a> IndexedConditions<'a> {
    /// The less the better.
    pub(super) fn rank(&self) -> (u64, u8) {
        (self.share, self.cost)
    }

    /// Of conditions that must all hold, the best.
    pub(super) fn of_conditions(conditions: &'a [Condition], tally: &Tally) -> Option<Self> {
        conditions
            .iter()
            .filter(|condition| !condition.negated)
            .filter_map(|condition| {
                let fold = fold(&condition.attribute);
                let mut share = 0;
                for pattern in condition.values.patterns() {
                    share = tally
                        .share(&LookupKey::of(pattern, fold)?, &condition.attribute)
                        .max(share);
                }
                Some(IndexedConditions {
                    conditions: vec![condition],
                    share,
                    cost: condition.attribute.cost(),
                })
            })
            .reduce(|best, part| {
                if part.rank() < best.rank() {
                    part
                } else {
                    best
                }
            })
    }

    /// Of alternatives, the best of each.
    pub(super) fn of_branches(branches: &'a [Vec<Condition>], tally: &Tally) -> Option<Self> {
        let mut all: Option<IndexedConditions<'a>> = None;
        for branch in branches {
            let part = IndexedConditions::of_conditions(branch, tally)?;
            match &mut all {
                None => all = Some(part),
                Some(all) => {
                    all.conditions.extend(part.conditions);
                    all.share = all.share.max(part.share);
                    all.cost = all.cost.max(part.cost);
                }
            }
        }
        all
    }
}

/// How often each value is listed in a set of rules.
pub(super) struct Tally(Vec<(u64, u32)>);

impl Tally {
    pub(super) fn of<'a>(rules: impl Iterator<Item = &'a Rule> + Clone) -> Self {
        let keys = || {
            rules
                .clone()
                .flat_map(Rule::conditions)
                .filter(|condition| !condition.negated)
                .flat_map(|condition| {
                    let attribute = &condition.attribute;
                    condition
                        .values
                        .patterns()
                        .iter()
                        .filter_map(|pattern| LookupKey::of(pattern, fold(attribute)))
                        .map(|key| spread(&key, attribute))
                })
        };
        // Half empty, so that a search ends soon.
        let size = keys().count().saturating_mul(2).next_power_of_two();
        let mut tally = Tally(vec![(0, 0); size]);
        for hash in keys() {
            if let Some((taken, count)) = tally.slot(hash) {
                *taken = hash;
                *count = count.saturating_add(1);
            }
        }
        tally
    }

    /// The slot of a hash, or the empty one where it belongs.
    fn slot(&mut self, hash: u64) -> Option<&mut (u64, u32)> {
        let at = self.position(hash)?;
        self.0.get_mut(at)
    }

    fn position(&self, hash: u64) -> Option<usize> {
        let mask = self.0.len().wrapping_sub(1);
        #[allow(
            clippy::cast_possible_truncation,
            reason = "the lower bits are the place"
        )]
        let start = hash as usize;
        (0..self.0.len())
            .map(|step| start.wrapping_add(step) & mask)
            .find(|at| {
                self.0
                    .get(*at)
                    .is_some_and(|(taken, count)| *count == 0 || *taken == hash)
            })
    }

    fn share(&self, key: &LookupKey, attribute: &Attribute) -> u64 {
        let at = self.position(spread(key, attribute));
        let count = at
            .and_then(|at| self.0.get(at))
            .map_or(0, |(_, count)| *count);
        u64::from(count).saturating_mul(key.weight.into())
    }
}

/// Tells the same value of two attributes apart; of two headers it need not.
fn spread(key: &LookupKey, attribute: &Attribute) -> u64 {
    key.hash() ^ u64::from(attribute.cost()).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
