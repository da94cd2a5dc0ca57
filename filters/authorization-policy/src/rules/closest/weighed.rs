//! The closest of a few rules, each weighed as a whole.

use std::cell::OnceCell;
use std::cmp::{Ordering, Reverse};

use super::PolicyRule;
use crate::rule::{Missing, PeerNames, Precision, Rule};
use crate::view::View;

/// Rules by rank, and the request they are weighed for.
pub(super) struct Weighed<'a, 'r> {
    pub(super) order: &'a [u32],
    pub(super) rules: &'a [PolicyRule],
    pub(super) view: &'a View<'r>,
}

struct Candidate<'a> {
    rank: u32,
    id: u32,
    rule: &'a Rule,
    missing: Missing,
    /// Asked for between equals alone, and once.
    precision: OnceCell<Precision>,
}

impl<'a> Weighed<'a, '_> {
    fn rule(&self, rank: u32) -> Option<(u32, &'a Rule)> {
        let id = *self.order.get(rank as usize)?;
        Some((id, &self.rules.get(id as usize)?.rule))
    }

    /// The closest of those that are for such a request, else of all of them: its place, and what it
    /// misses.
    pub(super) fn closest(
        &self,
        ranks: impl Iterator<Item = u32> + Clone,
    ) -> Option<(u32, Missing)> {
        self.for_such(ranks.clone()).or_else(|| {
            let mut alone = ranks.clone();
            match (alone.next(), alone.next()) {
                // That the only one is for other requests is known, so nothing more is asked.
                (Some(rank), None) => {
                    let (id, rule) = self.rule(rank)?;
                    Some((id, rule.missing_target(self.view)))
                }
                _ => self.best(ranks),
            }
        })
    }

    /// The closest of those whose path, host and method are the request's.
    pub(super) fn for_such(&self, ranks: impl Iterator<Item = u32>) -> Option<(u32, Missing)> {
        self.best(ranks.filter(|rank| {
            self.rule(*rank)
                .is_some_and(|(_, rule)| rule.is_for_such(self.view))
        }))
    }

    fn best(&self, ranks: impl Iterator<Item = u32>) -> Option<(u32, Missing)> {
        let candidates = ranks.filter_map(|rank| {
            let (id, rule) = self.rule(rank)?;
            Some(Candidate {
                rank,
                id,
                rule,
                missing: rule.missing(self.view, PeerNames::AsShown),
                precision: OnceCell::new(),
            })
        });
        let best = candidates.reduce(|best, next| match self.compare(&next, &best) {
            Ordering::Greater => next,
            _ => best,
        });
        best.map(|best| (best.id, best.missing))
    }

    /// The greater is the closer.
    fn compare(&self, one: &Candidate<'_>, other: &Candidate<'_>) -> Ordering {
        let precision = |candidate: &Candidate<'_>| {
            let precision = || candidate.rule.precision(self.view);
            *candidate.precision.get_or_init(precision)
        };
        let nearness = one.missing.nearness().cmp(&other.missing.nearness());
        nearness
            .then_with(|| precision(one).cmp(&precision(other)))
            .then_with(|| Reverse(one.rank).cmp(&Reverse(other.rank)))
    }
}
