//! The search for the first rule that counts, among those a request's values lead to.

use super::{AttributeIndex, Hit, Rules};
use crate::pattern::Value;
use crate::truth::Truth;
use crate::view::{Attribute, View};

/// The first rule that counts.
pub(super) fn search(rules: &Rules, view: &View<'_>) -> Option<Hit> {
    let mut search = Search {
        rules,
        view,
        best: rules.everything.map(|id| (id, true)),
        last: None,
    };
    for index in &rules.indexes {
        search.by(index);
    }
    if search.best.is_none() {
        // Names a certificate has beside its URIs: they cost more, and hardly ever count.
        for index in &rules.indexes {
            if index.attribute == Attribute::Peer {
                search.by_other_names(index);
            }
        }
    }
    search.each(&rules.rest);
    let (rule, certain) = search.best?;
    Some(Hit {
        rule,
        policy: rules.rules.get(rule as usize)?.policy,
        certain,
    })
}

struct Search<'a, 'r> {
    rules: &'a Rules,
    view: &'a View<'r>,
    best: Option<(u32, bool)>,
    /// The last that was tried, which often comes again at once.
    last: Option<u32>,
}

impl Search<'_, '_> {
    fn is_worse(&self, id: u32) -> bool {
        self.best.is_some_and(|(best, _)| best <= id)
    }

    /// Tries a rule that the best so far does not come before.
    fn attempt(&mut self, id: u32) {
        if self.is_worse(id) || self.last == Some(id) {
            return;
        }
        self.last = Some(id);
        if let Some(one) = self.rules.rules.get(id as usize) {
            let truth = one.rule.truth(self.view);
            if self.rules.counts(truth) {
                self.best = Some((id, truth == Truth::True));
            }
        }
    }

    fn each(&mut self, ids: &[u32]) {
        for id in ids {
            if self.is_worse(*id) {
                break;
            }
            self.attempt(*id);
        }
    }

    fn by(&mut self, index: &AttributeIndex) {
        if index.ids.first().is_none_or(|first| self.is_worse(*first)) {
            return;
        }
        let view = self.view;
        let mut test = |value: Value<'_>| {
            index.lookup.find(value, &mut |id| {
                self.attempt(id);
                false
            })
        };
        let seen = match index.attribute {
            Attribute::Peer => view.uris(&mut test),
            _ => view.any(&index.attribute, false, &mut test),
        };
        self.unseen(index, seen);
    }

    fn by_other_names(&mut self, index: &AttributeIndex) {
        let seen = self
            .view
            .names(index.lookup.takes_any_name(), &mut |value| {
                index.lookup.find(value, &mut |id| {
                    self.attempt(id);
                    false
                })
            });
        self.unseen(index, seen);
    }

    /// Where not all values were seen, any rule may hold.
    fn unseen(&mut self, index: &AttributeIndex, seen: Truth) {
        if seen == Truth::Unknown && self.rules.unknown_matches {
            self.each(&index.ids);
        }
    }
}
