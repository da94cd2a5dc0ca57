//! Which rules of a configuration decide something.

use std::cell::RefCell;

use catalog::{Decided, Loaded};
use sdk_helpers::{Decision, Record};

use crate::engine::Covered;

/// The rules of each stage, and those that were reached.
pub(crate) struct Reached(RefCell<Vec<(usize, Covered)>>);

impl Reached {
    /// None of them yet.
    pub(crate) fn of(loaded: &Loaded) -> Self {
        let mut all = Vec::new();
        for (stage, of) in loaded.stages().iter().enumerate() {
            let rules = loaded.rules(stage).into_iter();
            let unreached = |rule| Covered {
                filter: of.name,
                rule,
                reached: false,
            };
            all.extend(rules.map(|rule| (stage, unreached(rule))));
        }
        Reached(RefCell::new(all))
    }

    /// Notes what a filter decided.
    pub(crate) fn decided(&self, loaded: &Loaded, decided: &Decided) {
        self.decision(loaded, decided.stage, &decided.decision);
    }

    fn decision(&self, loaded: &Loaded, stage: usize, decision: &Decision) {
        match decision {
            Decision::Continue(edits) => self.record(loaded, stage, &edits.record),
            Decision::Reply(reply) => self.record(loaded, stage, &reply.record),
            Decision::Delay { record, then, .. } => {
                self.record(loaded, stage, record);
                self.decision(loaded, stage, then);
            }
            Decision::Ask { record, .. } | Decision::Wait { record, .. } => {
                self.record(loaded, stage, record);
            }
        }
    }

    /// Notes what a filter recorded. A rule that came close, as a refusal names one, was not reached: its place
    /// goes on behind the rule.
    pub(crate) fn record(&self, loaded: &Loaded, stage: usize, record: &Record) {
        let mut all = self.0.borrow_mut();
        for (id, detail) in record.noted() {
            let outcome = loaded.outcomes(stage).find(id);
            let Some(policy) = outcome.and_then(|outcome| outcome.policy.as_ref()) else {
                continue;
            };
            let whole = [policy, detail].concat();
            let told = |rule: &str| rule == policy || rule == whole;
            let of_it = all
                .iter_mut()
                .filter(|(of, it)| *of == stage && told(&it.rule));
            of_it.for_each(|(_, it)| it.reached = true);
        }
    }

    pub(crate) fn rules(&self) -> Vec<Covered> {
        let all = self.0.borrow();
        all.iter().map(|(_, rule)| rule.clone()).collect()
    }
}
