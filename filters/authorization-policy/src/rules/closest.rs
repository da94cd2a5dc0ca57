//! Which rule came closest to a request that none allows: the one its reader means.
//!
//! What may hold and cannot be seen comes first, then rules for the request's path, host and
//! method, then the one of which most conditions hold, then the one of which fewest do not. Between
//! equals the one that says the path and host more closely, and then an order of the rules' own: by
//! policy and text, never by where they stand.
//!
//! All conditions are filed, so that a request leads to the rules of which any holds. Those are
//! counted, and only the most promising are weighed as wholes; a bound on both keeps what a refusal
//! costs, whoever sends it and however many rules there are.

mod filing;
mod weighed;

use std::cmp::Reverse;

use super::{AttributeIndex, PolicyRule, Rules};
use crate::lookup::Lookup;
use crate::rule::Missing;
use crate::truth::Truth;
use crate::view::View;
use weighed::Weighed;

/// The most rules that are weighed. Where there are no more, all are, without an index.
const MOST_WEIGHED: usize = 32;

/// The most rules that are counted for one value: one that more share says little about which of them is
/// meant.
const MOST_SHARED: usize = 256;

/// Of a value that more rules share, this many are taken, in case that nothing better is found.
const FEW: usize = 8;

/// The most rules that are counted over all values, without those few.
const MOST_COUNTED: usize = 1024;

/// The rules in an order that does not depend on where they stand, and by their conditions.
#[derive(Debug, Default)]
pub(crate) struct Closest {
    /// Places in the configuration by rank.
    order: Vec<u32>,
    /// By rank; empty where all rules are weighed anyway.
    needs: Vec<Needs>,
    filed: Vec<Ranked>,
    /// The first of those that ask for no path, host and method.
    anywhere: Vec<u32>,
    /// How many there are by [`Needs::target`].
    targets: [usize; 8],
}

/// Rules by one attribute, as ranks.
#[derive(Debug)]
struct Ranked {
    index: AttributeIndex,
    /// Which of [`Needs::target`] it answers.
    target: u8,
}

/// What can be said of a rule before it is weighed.
#[derive(Debug, Clone, Copy)]
struct Needs {
    /// Which of path, host and method must be right in every alternative.
    target: u8,
    /// How many conditions cannot be filed, and may hold.
    open: u8,
    /// How many there are.
    all: u8,
}

/// What a request's values led to.
#[derive(Default)]
struct Found {
    /// `rank << 8 | attribute`, for sorting.
    touched: Vec<u32>,
    /// What very many rules share, and is taken to hold for all of them.
    shared: u8,
}

/// Beside a rank: nothing is known to hold.
const NOTHING: u32 = 0xff;

impl Closest {
    /// The closest of these rules: its place among them, and what it misses.
    pub(super) fn find(&self, rules: &Rules, view: &View<'_>) -> Option<(u32, Missing)> {
        if self.needs.is_empty() {
            return self.walk(rules, view);
        }
        let weighed = Weighed {
            order: &self.order,
            rules: &rules.rules,
            view,
        };
        let mut found = Found::default();
        self.look_up(view, true, &mut found);
        let anywhere = self.anywhere.iter().map(|rank| rank << 8 | NOTHING);
        found.touched.extend(anywhere);
        let promising = self.promising(&mut found);
        if self.is_all(&found, &promising) {
            let for_such = promising.iter().filter(|(promise, _)| promise.0);
            let closest = weighed.for_such(for_such.map(|(_, rank)| *rank));
            if closest.is_some() {
                return closest;
            }
        }
        self.look_up(view, false, &mut found);
        let first = (0..FEW as u32).map(|rank| rank << 8 | NOTHING);
        found.touched.extend(first);
        let promising = self.promising(&mut found);
        weighed.closest(promising.iter().map(|(_, rank)| *rank))
    }

    /// The same with every rule weighed: what [`Closest::find`] must agree with.
    pub(super) fn walk(&self, rules: &Rules, view: &View<'_>) -> Option<(u32, Missing)> {
        let weighed = Weighed {
            order: &self.order,
            rules: &rules.rules,
            view,
        };
        weighed.closest((0u32..).zip(&self.order).map(|(rank, _)| rank))
    }

    /// Whether all that may be for such a request are among these.
    fn is_all(&self, found: &Found, promising: &[(Promise, u32)]) -> bool {
        let left_out = (0u8..).zip(self.targets).any(|(target, count)| {
            let most = if target == 0 { FEW } else { 0 };
            target & !found.shared == 0 && count > most
        });
        let is_full = promising.len() >= MOST_WEIGHED;
        let is_cut = is_full && promising.last().is_some_and(|(promise, _)| promise.0);
        !(left_out || is_cut)
    }

    /// Counts the rules that the request's values lead to: by what it asks for, or by all else.
    fn look_up(&self, view: &View<'_>, by_target: bool, found: &mut Found) {
        for (attribute, ranked) in (0u32..).zip(&self.filed) {
            if (ranked.target != 0) != by_target {
                continue;
            }
            let Ranked { index, target } = ranked;
            let AttributeIndex { lookup, ids, .. } = index;
            let any_name = lookup.takes_any_name();
            let seen = view.any(&index.attribute, any_name, &mut |value| {
                lookup.keys(value, &mut |key| found.add(lookup, key, attribute, *target))
            });
            if seen == Truth::Unknown {
                found
                    .touched
                    .extend(ids.iter().map(|rank| rank << 8 | attribute));
            }
        }
    }

    /// The most promising rules, with what speaks for each; the greatest first.
    fn promising(&self, found: &mut Found) -> Vec<(Promise, u32)> {
        found.touched.sort_unstable();
        found.touched.dedup();
        let mut best: Vec<(Promise, u32)> = Vec::with_capacity(MOST_WEIGHED);
        for touched in found.touched.chunk_by(|one, other| one >> 8 == other >> 8) {
            let rank = touched.first().map_or(0, |first| first >> 8);
            let Some(needs) = self.needs.get(rank as usize) else {
                continue;
            };
            let known = touched.iter().map(|touched| touched & 0xff);
            let known = known.filter(|attribute| *attribute != NOTHING);
            let (mut held, mut target) = (u32::from(needs.open), found.shared);
            for attribute in known {
                held = held.saturating_add(1);
                target |= self.filed.get(attribute as usize).map_or(0, |r| r.target);
            }
            let promise = (
                target & needs.target == needs.target,
                held,
                Reverse(needs.all),
            );
            let at = best.partition_point(|(known, _)| *known >= promise);
            if at < MOST_WEIGHED {
                best.truncate(MOST_WEIGHED.saturating_sub(1));
                best.insert(at, (promise, rank));
            }
        }
        best
    }
}

/// What speaks for a rule: path, host and method may be right; how many conditions may hold; how few
/// there are.
type Promise = (bool, u32, Reverse<u8>);

impl Found {
    /// Counts the rules of one key. Enough is enough.
    fn add(&mut self, lookup: &Lookup, key: u64, attribute: u32, target: u8) -> bool {
        let start = self.touched.len();
        let room = MOST_COUNTED.saturating_sub(start).min(MOST_SHARED);
        let mut ids = lookup.ids(key).map(|rank| rank << 8);
        self.touched
            .extend(ids.by_ref().take(room).map(|rank| rank | attribute));
        let first = self.touched.len();
        if let Some(next) = ids.next() {
            self.shared |= target;
            self.touched.truncate(start.saturating_add(FEW));
            for rank in self.touched.iter_mut().skip(start) {
                *rank |= NOTHING;
            }
            if first == start {
                let few = std::iter::once(next).chain(ids).take(FEW);
                self.touched.extend(few.map(|rank| rank | NOTHING));
            }
        }
        self.touched.len() >= MOST_COUNTED.saturating_mul(2)
    }
}
