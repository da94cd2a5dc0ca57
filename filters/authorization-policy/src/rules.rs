//! All rules of one action, and which of them a request can match at all.
//!
//! Of every rule one part is chosen that must hold for the rule to hold, and the rule is filed under
//! the values that part lists. A request is looked up by the values it has, so it meets the rules it
//! may match and no others. Rules of which no part can be filed are tried one by one.

mod part;
mod search;

use crate::lookup::{Key, Lookup};
use crate::rule::{Missing, Rule, Truth, write_index};
use crate::view::{Attribute, View};
use part::{Part, Tally, fold};
use search::search;

/// Rules in the order of the configuration.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    rules: Vec<Owned>,
    /// The first that matches everything.
    everything: Option<u32>,
    filed: Vec<Filed>,
    /// Those that are tried one by one.
    rest: Vec<u32>,
    /// Whether a rule counts of which it cannot be seen whether it holds.
    wary: bool,
}

#[derive(Debug)]
struct Owned {
    rule: Rule,
    policy: u32,
    index: u32,
}

/// Rules by one attribute.
#[derive(Debug)]
struct Filed {
    attribute: Attribute,
    lookup: Lookup,
    /// All of them, in order.
    ids: Vec<u32>,
}

/// A rule that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    rule: u32,
    /// Its policy.
    pub(crate) policy: u32,
    /// It holds; else it may hold.
    pub(crate) certain: bool,
}

/// Rules that did not count, though the request's values led to them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Near {
    ids: [Option<u32>; MOST_BLAMED],
}

impl Near {
    /// Adds one, where there is still room and it is new.
    fn add(&mut self, id: u32) {
        for place in &mut self.ids {
            if *place == Some(id) {
                return;
            }
            if place.is_none() {
                *place = Some(id);
                return;
            }
        }
    }

    fn ids(&self) -> impl Iterator<Item = u32> {
        self.ids.iter().flatten().copied()
    }
}

/// With more different attributes than this the others are tried one by one: every attribute is
/// looked up on its own.
const MOST_ATTRIBUTES: usize = 64;

/// So many rules are looked at to find the one a request failed most narrowly.
const MOST_BLAMED: usize = 4;

/// What a place in a policy seldom exceeds: `.rules[123].from[0].source.requestPrincipals`.
const LONGEST_PLACE: usize = 48;

impl Rules {
    /// Takes the rules of policies, each with its policy's number and its own in the policy.
    pub(crate) fn new(rules: Vec<(u32, u32, Rule)>, wary: bool) -> Self {
        let mut built = Rules {
            wary,
            ..Rules::default()
        };
        let tally = Tally::of(rules.iter().map(|(_, _, rule)| rule));
        for (id, (policy, index, rule)) in (0u32..).zip(rules) {
            if rule.is_empty() {
                built.everything = built.everything.or(Some(id));
            } else if !built.file(id, &rule, &tally) {
                built.rest.push(id);
            }
            built.rules.push(Owned {
                rule,
                policy,
                index,
            });
        }
        for filed in &mut built.filed {
            filed.lookup.finish();
        }
        built
    }

    /// The attributes that its conditions ask for.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.rules
            .iter()
            .flat_map(|owned| owned.rule.conditions())
            .map(|condition| &condition.attribute)
    }

    /// Files a rule under the part of it that fewest others share, where it has one.
    fn file(&mut self, id: u32, rule: &Rule, tally: &Tally) -> bool {
        let parts = rule
            .when
            .iter()
            .map(std::slice::from_ref)
            .map(|when| Part::of_conditions(when, tally))
            .chain([
                Part::of_branches(&rule.to, tally),
                Part::of_branches(&rule.from, tally),
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
                    .filed
                    .iter()
                    .any(|filed| filed.attribute == c.attribute)
            })
            .count();
        if self.filed.len().saturating_add(new) > MOST_ATTRIBUTES && new > 0 {
            return false;
        }
        for condition in best.conditions {
            let filed = self.filed_by(&condition.attribute);
            for pattern in condition.values.patterns() {
                if let Some(key) = Key::of(pattern, fold(&condition.attribute)) {
                    filed.lookup.file(&key, pattern, id);
                }
            }
            if filed.ids.last() != Some(&id) {
                filed.ids.push(id);
            }
        }
        true
    }

    /// Kept in the order of what asking costs.
    fn filed_by(&mut self, attribute: &Attribute) -> &mut Filed {
        let known = self.filed.iter().position(|f| f.attribute == *attribute);
        let at = known.unwrap_or_else(|| {
            let cost = attribute.cost();
            let at = self.filed.iter().position(|f| f.attribute.cost() > cost);
            let at = at.unwrap_or(self.filed.len());
            let filed = Filed {
                attribute: attribute.clone(),
                lookup: Lookup::default(),
                ids: vec![],
            };
            self.filed.insert(at, filed);
            at
        });
        #[allow(clippy::indexing_slicing, reason = "found or just inserted there")]
        &mut self.filed[at]
    }

    /// The first rule that counts; or the first few that did not, though the request's values led
    /// to them.
    pub(crate) fn find(&self, view: &View<'_>) -> Result<Hit, Near> {
        search(self, view)
    }

    /// The same without the index: what [`Rules::find`] must agree with.
    pub(crate) fn walk(&self, view: &View<'_>) -> Result<Hit, Near> {
        let truths = self.rules.iter().map(|owned| owned.rule.truth(view));
        (0u32..)
            .zip(truths)
            .zip(&self.rules)
            .find(|((_, truth), _)| self.counts(*truth))
            .map(|((rule, truth), owned)| Hit {
                rule,
                policy: owned.policy,
                certain: truth == Truth::True,
            })
            .ok_or_else(Near::default)
    }

    fn counts(&self, truth: Truth) -> bool {
        truth == Truth::True || self.wary && truth == Truth::Unknown
    }

    /// Where a rule that counts stands in its policy: `.rules[2]`. Where it cannot be seen whether it
    /// holds, the condition of which that is so.
    pub(crate) fn place(&self, hit: Hit, view: &View<'_>) -> String {
        let mut text = String::with_capacity(LONGEST_PLACE);
        if let Some(owned) = self.rules.get(hit.rule as usize) {
            owned.write(&mut text);
            if !hit.certain
                && let Some(place) = owned.rule.missing(view).unseen
            {
                place.write(&mut text);
            }
        }
        text
    }

    /// The rule that a request failed most narrowly, of those it came near to and then the first
    /// there are: its policy and the first condition that failed. Asks Envoy nothing.
    pub(crate) fn closest(&self, near: Near, view: &View<'_>) -> Option<(u32, String)> {
        view.close(true);
        let closest = self.closest_of(near, view);
        view.close(false);
        closest
    }

    fn closest_of(&self, mut near: Near, view: &View<'_>) -> Option<(u32, String)> {
        (0u32..).take(MOST_BLAMED).for_each(|id| near.add(id));
        let mut closest: Option<(&Owned, Missing)> = None;
        for owned in near.ids().filter_map(|id| self.rules.get(id as usize)) {
            let missing = owned.rule.missing(view);
            if closest.is_none_or(|(_, least)| missing.failed < least.failed) {
                closest = Some((owned, missing));
            }
        }
        let (owned, missing) = closest?;
        let mut text = String::with_capacity(LONGEST_PLACE);
        owned.write(&mut text);
        if let Some(place) = missing.first.or(missing.unseen) {
            place.write(&mut text);
        }
        Some((owned.policy, text))
    }
}

impl Owned {
    fn write(&self, text: &mut String) {
        text.push_str(".rules");
        write_index(self.index, text);
    }
}
