//! All rules of one action, and which of them a request can match at all.
//!
//! Of every rule those conditions are chosen of which one must hold for the rule to hold, and the rule
//! is filed under the values that they list. A request is looked up by the values it has, so it meets the
//! rules it may match and no others. Rules without such conditions are tried one by one.

mod closest;
mod indexed;
mod search;

use std::cell::OnceCell;
use std::rc::Rc;

use crate::lookup::{Lookup, LookupKey};
use crate::rule::{ConditionPlace, Missing, PeerNames, Rule, write_index};
use crate::truth::Truth;
use crate::view::{Attribute, View};
use closest::Closest;
use indexed::{IndexedConditions, Tally, fold};
use search::search;

/// Rules in the order of the configuration.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    rules: Vec<PolicyRule>,
    /// The first that matches everything.
    everything: Option<u32>,
    indexes: Vec<AttributeIndex>,
    /// Those that are tried one by one.
    rest: Vec<u32>,
    /// Whether a rule counts of which it is unknown whether it holds: DENY and CUSTOM fail closed.
    unknown_matches: bool,
    closest: Closest,
}

/// Rules with the number of their policy and their own in it.
pub(crate) type Pool = Vec<(u32, u32, Rule)>;

#[derive(Debug)]
struct PolicyRule {
    rule: Rule,
    policy: u32,
    index: u32,
    /// Where it stands, as text: made when it first counts, and told by every record from then on.
    place: OnceCell<Rc<str>>,
}

/// Rules by one attribute.
#[derive(Debug)]
struct AttributeIndex {
    attribute: Attribute,
    lookup: Lookup,
    /// All of them, in order.
    ids: Vec<u32>,
}

impl AttributeIndex {
    fn new(attribute: &Attribute) -> Self {
        AttributeIndex {
            attribute: attribute.clone(),
            lookup: Lookup::default(),
            ids: vec![],
        }
    }
}

/// A rule that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    rule: u32,
    /// Its policy.
    pub(crate) policy: u32,
    /// It holds; else that is unknown.
    pub(crate) certain: bool,
}

/// Where a request that no rule allows failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Near {
    /// The policy of the rule that came closest.
    pub(crate) policy: u32,
    /// Nothing fails but what is unknown.
    pub(crate) unseen: bool,
    /// The rule in it, and the condition that failed first.
    pub(crate) place: Rc<str>,
}

/// With more different attributes than this the others are tried one by one: every attribute is
/// looked up on its own.
const MOST_ATTRIBUTES: usize = 64;

/// What a place in a policy seldom exceeds: `.rules[123].from[0].source.requestPrincipals`.
const LONGEST_PLACE: usize = 48;

impl Rules {
    /// Takes the rules of policies, each with its policy's number and its own in the policy.
    pub(crate) fn new(rules: Pool, unknown_matches: bool) -> Self {
        let mut built = Rules {
            unknown_matches,
            ..Rules::default()
        };
        let tally = Tally::of(rules.iter().map(|(_, _, rule)| rule));
        for (id, (policy, index, rule)) in (0u32..).zip(rules) {
            if rule.is_empty() {
                built.everything = built.everything.or(Some(id));
            } else if !built.file(id, &rule, &tally) {
                built.rest.push(id);
            }
            built.rules.push(PolicyRule {
                rule,
                policy,
                index,
                place: OnceCell::new(),
            });
        }
        for index in &mut built.indexes {
            index.lookup.finish();
        }
        built
    }

    /// Prepares the search for the closest, by the ranks that policies have whatever their order.
    pub(crate) fn ranked(mut self, ranks: &[u32]) -> Self {
        self.closest = Closest::new(&mut self.rules, ranks);
        self
    }

    /// Of each rule the number of its policy, and its own in it.
    pub(crate) fn places(&self) -> impl Iterator<Item = (u32, u32)> {
        self.rules.iter().map(|one| (one.policy, one.index))
    }

    /// The attributes that its conditions ask for.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.rules
            .iter()
            .flat_map(|one| one.rule.conditions())
            .map(|condition| &condition.attribute)
    }

    /// Files a rule under those of its conditions that fewest others share, where it has such.
    fn file(&mut self, id: u32, rule: &Rule, tally: &Tally) -> bool {
        let parts = rule
            .when
            .iter()
            .map(std::slice::from_ref)
            .map(|when| IndexedConditions::of_conditions(when, tally))
            .chain([
                IndexedConditions::of_branches(&rule.to, tally),
                IndexedConditions::of_branches(&rule.from, tally),
            ]);
        let best = parts.flatten().reduce(|best, part| {
            if part.rank() < best.rank() {
                part
            } else {
                best
            }
        });
        let Some(best) = best else {
            return false;
        };
        let new = best
            .conditions
            .iter()
            .filter(|c| {
                !self
                    .indexes
                    .iter()
                    .any(|index| index.attribute == c.attribute)
            })
            .count();
        if self.indexes.len().saturating_add(new) > MOST_ATTRIBUTES && new > 0 {
            return false;
        }
        for condition in best.conditions {
            let index = self.index_of(&condition.attribute);
            for pattern in condition.values.patterns() {
                if let Some(key) = LookupKey::of(pattern, fold(&condition.attribute)) {
                    index.lookup.file(&key, pattern, id);
                }
            }
            if index.ids.last() != Some(&id) {
                index.ids.push(id);
            }
        }
        true
    }

    /// Kept in the order of what asking costs.
    fn index_of(&mut self, attribute: &Attribute) -> &mut AttributeIndex {
        let known = self.indexes.iter().position(|f| f.attribute == *attribute);
        let at = known.unwrap_or_else(|| {
            let cost = attribute.cost();
            let at = self.indexes.iter().position(|f| f.attribute.cost() > cost);
            let at = at.unwrap_or(self.indexes.len());
            self.indexes.insert(at, AttributeIndex::new(attribute));
            at
        });
        #[allow(clippy::indexing_slicing, reason = "found or just inserted there")]
        &mut self.indexes[at]
    }

    /// The first rule that counts.
    pub(crate) fn find(&self, view: &View<'_>) -> Option<Hit> {
        if self.rules.is_empty() {
            return None;
        }
        search(self, view)
    }

    /// The same without the index: what [`Rules::find`] must agree with.
    pub(crate) fn walk(&self, view: &View<'_>) -> Option<Hit> {
        let truths = self.rules.iter().map(|one| one.rule.truth(view));
        (0u32..)
            .zip(truths)
            .zip(&self.rules)
            .find(|((_, truth), _)| self.counts(*truth))
            .map(|((rule, truth), one)| Hit {
                rule,
                policy: one.policy,
                certain: truth == Truth::True,
            })
    }

    fn counts(&self, truth: Truth) -> bool {
        truth == Truth::True || self.unknown_matches && truth == Truth::Unknown
    }

    /// Where a rule that counts stands in its policy: `.rules[2]`. Where it cannot be seen whether it
    /// holds, the condition of which that is so.
    pub(crate) fn place(&self, hit: Hit, view: &View<'_>) -> Rc<str> {
        let Some(one) = self.rules.get(hit.rule as usize) else {
            return Rc::default();
        };
        if hit.certain {
            return one.place();
        }
        match one.rule.missing(view, PeerNames::MayBeMore).unseen {
            Some(condition) => one.place_of(&condition),
            None => one.place(),
        }
    }

    /// The rule that came closest to a request that none allows, if there are any.
    pub(crate) fn closest(&self, view: &View<'_>) -> Option<Near> {
        self.near(self.closest.find(self, view)?)
    }

    /// The same without the index: what [`Rules::closest`] must agree with.
    pub(crate) fn closest_of_all(&self, view: &View<'_>) -> Option<Near> {
        self.near(self.closest.walk(self, view)?)
    }

    fn near(&self, (id, missing): (u32, Missing)) -> Option<Near> {
        let one = self.rules.get(id as usize)?;
        let place = match missing.first.or(missing.unseen) {
            Some(condition) => one.place_of(&condition),
            None => one.place(),
        };
        Some(Near {
            policy: one.policy,
            unseen: missing.may_hold(),
            place,
        })
    }
}

impl PolicyRule {
    /// Where it stands in its policy: `.rules[2]`.
    fn place(&self) -> Rc<str> {
        let place = || {
            let mut text = String::with_capacity(LONGEST_PLACE);
            self.write(&mut text);
            text.into()
        };
        self.place.get_or_init(place).clone()
    }

    /// Where one of its conditions stands: `.rules[2].from[0].source.principals`.
    fn place_of(&self, condition: &ConditionPlace) -> Rc<str> {
        let mut text = String::with_capacity(LONGEST_PLACE);
        self.write(&mut text);
        condition.write(&mut text);
        text.into()
    }

    fn write(&self, text: &mut String) {
        text.push_str(".rules");
        write_index(self.index, text);
    }
}
