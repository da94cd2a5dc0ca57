//! The rules of AuthorizationPolicies that allow and deny, and which of them match all that others do.
//!
//! Whether one does is for the filter to say that decides by them: `authorization_policy::covers`.

use authorization_policy::covers::{Index, Rules};
use catalog::NoProxy;
use sdk_helpers::config::Problems;
use sdk_helpers::{At, Load};

use crate::mesh::Mesh;
use crate::select;
use crate::source::Item;
use crate::spot::Spot;

/// One of them.
pub(super) struct Enforced<'a, 'b> {
    pub(super) item: &'b Item<'a>,
    pub(super) action: &'a str,
    pub(super) spot: Spot<'a>,
    policy: usize,
    number: usize,
}

/// All of them, but for those of a dry run and of policies that are refused.
pub(super) struct All<'a, 'b> {
    pub(super) rules: Vec<Enforced<'a, 'b>>,
    /// Those of each policy, as the filter has them.
    policies: Vec<Rules>,
    index: Index,
    /// Where the rules of each policy begin among all.
    starts: Vec<usize>,
}

/// More are not held against each other: some seconds.
const MOST_COMPARED: usize = 20_000_000;

impl<'a, 'b> All<'a, 'b> {
    pub(super) fn of(mesh: &'b Mesh<'a>) -> Self {
        let mut rules = Vec::new();
        let mut policies = Vec::new();
        let mut starts = Vec::new();
        for item in mesh.of("AuthorizationPolicy") {
            let annotations = item.root.at(&["metadata", "annotations"]);
            if annotations.is_some_and(|it| it.field("istio.io/dry-run").is_some()) {
                continue;
            }
            let Some(spec) = item.spec() else {
                continue;
            };
            let action = match spec.text("action") {
                "" => "ALLOW",
                action => action,
            };
            if !["ALLOW", "DENY"].contains(&action) {
                continue;
            }
            let written = spec.list("rules");
            let Some(read) = read(mesh, item).filter(|read| read.len() == written.len()) else {
                continue;
            };
            starts.push(rules.len());
            let policy = policies.len();
            policies.push(read);
            let written = written.into_iter().enumerate();
            rules.extend(written.map(|(number, spot)| Enforced {
                item,
                action,
                spot,
                policy,
                number,
            }));
        }
        let index = Index::new(&policies.iter().collect::<Vec<_>>());
        All {
            rules,
            policies,
            index,
            starts,
        }
    }

    /// For each of these rules the first of others that matches every request that it matches, wherever that is; and
    /// whether it was looked for to the end.
    pub(super) fn covered(
        &self,
        is_asked: impl Fn(&Enforced<'_, '_>) -> bool,
        may_cover: impl Fn(&Enforced<'_, '_>, &Enforced<'_, '_>) -> bool,
    ) -> (Vec<(&Enforced<'a, 'b>, &Enforced<'a, 'b>)>, bool) {
        let mut found = Vec::new();
        let mut compared = 0usize;
        for (place, rule) in self.rules.iter().enumerate() {
            if !is_asked(rule) {
                continue;
            }
            let candidates = self.candidates(rule);
            compared = compared.saturating_add(candidates.len());
            if compared > MOST_COMPARED {
                return (found, false);
            }
            let wider = candidates.into_iter().find(|(other_place, other)| {
                // Of two that are the same, the later is idle.
                let is_other = *other_place != place && may_cover(other, rule);
                is_other
                    && self.is_within(rule, other)
                    && (*other_place < place
                        || other.action != rule.action
                        || !self.is_within(other, rule))
            });
            found.extend(wider.map(|(_, wider)| (rule, wider)));
        }
        (found, true)
    }

    fn candidates(&self, rule: &Enforced<'_, '_>) -> Vec<(usize, &Enforced<'a, 'b>)> {
        let Some(policy) = self.policies.get(rule.policy) else {
            return Vec::new();
        };
        let places = self.index.may_cover(policy, rule.number).into_iter();
        let all = places.filter_map(|(policy, number)| {
            let place = self.starts.get(policy)?.saturating_add(number);
            Some((place, self.rules.get(place)?))
        });
        all.collect()
    }

    /// Whether another one, of whichever action, matches every request that a rule matches, wherever that is.
    fn is_within(&self, rule: &Enforced<'_, '_>, wide: &Enforced<'_, '_>) -> bool {
        let (Some(narrow), Some(others)) = (
            self.policies.get(rule.policy),
            self.policies.get(wide.policy),
        ) else {
            return false;
        };
        let is_same = std::ptr::eq(rule.item, wide.item);
        (is_same || select::covers(wide.item, rule.item))
            && others.covers(wide.number, narrow, rule.number)
    }
}

/// The rules of a policy; none of one that is refused.
fn read(mesh: &Mesh<'_>, item: &Item<'_>) -> Option<Rules> {
    let problems = Problems::default();
    let world = NoProxy {
        now: mesh.options.now,
    };
    let load = Load {
        at: At::root(),
        problems: &problems,
        world: &world,
    };
    let rules = Rules::read(item.root.value().clone(), &load);
    (!problems.has_errors()).then_some(rules)
}

impl Enforced<'_, '_> {
    /// How another one speaks of it.
    pub(super) fn shown(&self, of: &Enforced<'_, '_>) -> String {
        let path = self.spot.path();
        match std::ptr::eq(self.item, of.item) {
            true => path.to_owned(),
            false => format!("{path} of {}/{}", self.item.namespace(), self.item.name()),
        }
    }
}
