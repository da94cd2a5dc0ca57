//! Puts rules in an order of their own, and files each under all its conditions.

use std::cmp::Reverse;

use super::{Closest, FEW, MOST_WEIGHED, Needs, Ranked};
use crate::lookup::LookupKey;
use crate::order::{sort, sorted};
use crate::rule::Condition;
use crate::rules::{AttributeIndex, MOST_ATTRIBUTES, PolicyRule, fold};
use crate::view::Attribute;

impl Closest {
    /// Takes rules with their policies' ranks, each in the order of the configuration.
    pub(in crate::rules) fn new(rules: &mut [PolicyRule], ranks: &[u32]) -> Self {
        let key = |id: u32| {
            let one = rules.get(id as usize)?;
            Some((ranks.get(one.policy as usize), &one.rule.text))
        };
        let order = sorted(rules.len(), &|one, other| key(one).cmp(&key(other)));
        let mut closest = Closest::default();
        if rules.len() > MOST_WEIGHED {
            for (rank, id) in (0u32..).zip(&order) {
                if let Some(one) = rules.get(*id as usize) {
                    closest.file(rank, one);
                }
            }
            for ranked in &mut closest.filed {
                ranked.index.lookup.finish();
            }
            let needs = &closest.needs;
            let promise = |rank: u32| {
                let needs = needs.get(rank as usize);
                needs.map(|needs| (Reverse(needs.open), needs.all))
            };
            sort(&mut closest.anywhere, &|one, other| {
                promise(one).cmp(&promise(other))
            });
            closest.anywhere.truncate(FEW);
        }
        closest.order = order;
        for one in rules {
            one.rule.text = String::new();
        }
        closest
    }

    fn file(&mut self, rank: u32, one: &PolicyRule) {
        let mut needs = Needs {
            target: one
                .rule
                .to
                .iter()
                .map(|to| target(to))
                .fold(7, |all, one| all & one),
            open: 0,
            all: 0,
        };
        if one.rule.to.is_empty() {
            needs.target = 0;
        }
        for condition in one.rule.conditions() {
            needs.all = needs.all.saturating_add(1);
            if condition.negated || !self.file_condition(rank, condition) {
                needs.open = needs.open.saturating_add(1);
            }
        }
        if needs.target == 0 {
            self.anywhere.push(rank);
        }
        if let Some(count) = self.targets.get_mut(usize::from(needs.target)) {
            *count = count.saturating_add(1);
        }
        self.needs.push(needs);
    }

    fn file_condition(&mut self, rank: u32, condition: &Condition) -> bool {
        let attribute = &condition.attribute;
        let known = self
            .filed
            .iter()
            .position(|r| r.index.attribute == *attribute);
        let at = known.unwrap_or(self.filed.len());
        if known.is_none() {
            if at >= MOST_ATTRIBUTES {
                return false;
            }
            self.filed.push(Ranked {
                index: AttributeIndex::new(attribute),
                target: bit(attribute),
            });
        }
        let Some(Ranked { index, .. }) = self.filed.get_mut(at) else {
            return false;
        };
        let mut all = true;
        for pattern in condition.values.patterns() {
            match LookupKey::of(pattern, fold(attribute)) {
                Some(key) => index.lookup.file(&key, pattern, rank),
                None => all = false,
            }
        }
        if index.ids.len() < FEW {
            index.ids.push(rank);
        }
        all
    }
}

/// Which of [`Needs::target`] an attribute is.
fn bit(attribute: &Attribute) -> u8 {
    match attribute {
        Attribute::Path => 1,
        Attribute::Host => 2,
        Attribute::Method => 4,
        _ => 0,
    }
}

/// What an operation asks of path, host and method, as far as it can be filed.
fn target(operation: &[Condition]) -> u8 {
    operation
        .iter()
        .filter(|condition| !condition.negated)
        .fold(0, |all, condition| all | bit(&condition.attribute))
}
