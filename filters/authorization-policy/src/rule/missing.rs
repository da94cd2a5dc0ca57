//! What keeps a rule from holding, and how near it is to it.

use std::cmp::Reverse;

use super::{Condition, Rule, write_index};
use crate::pattern::{Pattern, Value};
use crate::truth::Truth;
use crate::view::{Attribute, View};
use sdk_helpers::matcher::Wildcard;

/// How much of a request's path and host is said.
pub(crate) type Precision = (usize, usize);

/// What a certificate's names are taken for, of which Envoy may not show all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PeerNames {
    /// There may be more, and one of them may be the one.
    MayBeMore,
    /// Those that are shown. A stranger to an ALLOW rule is told so: certificates with a second name
    /// are rare, and who is told that it cannot be seen would look for the fault in the wrong place.
    AsShown,
}

impl Condition {
    /// Whether it asks that a name of the peer's is there.
    fn asks_for_a_name(&self) -> bool {
        self.attribute == Attribute::Peer && !self.negated
    }

    /// Whether an ALLOW rule may be refused because what it asks for is not shown.
    pub(crate) fn may_be_unseen(&self, single_uri_san: bool) -> bool {
        match self.attribute {
            Attribute::SourceIp => true,
            Attribute::Peer => self.negated && !single_uri_san,
            _ => false,
        }
    }
}

/// What keeps a rule from holding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Missing {
    /// How many conditions on path, host and method do not hold. With any, the rule is for other
    /// requests, and who may send those does not matter.
    elsewhere: usize,
    /// How many conditions hold.
    held: usize,
    /// How many do not.
    failed: usize,
    /// The first that does not: what the request asks for, then who sends it, then all else.
    pub(crate) first: Option<ConditionPlace>,
    /// The first of which it cannot be seen.
    pub(crate) unseen: Option<ConditionPlace>,
}

impl Missing {
    fn of(
        conditions: &[Condition],
        view: &View<'_>,
        list: &'static str,
        index: Option<u32>,
        names: PeerNames,
    ) -> Self {
        let mut missing = Missing::default();
        for condition in conditions {
            let place = ConditionPlace {
                list,
                index: index.unwrap_or(condition.entry),
                field: condition.field,
            };
            // Conditions stand in the order of what they cost; a reader goes by entries.
            let earlier = |known: Option<ConditionPlace>| {
                known.filter(|k| k.index <= place.index).or(Some(place))
            };
            let truth = match condition.truth(view) {
                Truth::Unknown if names == PeerNames::AsShown && condition.asks_for_a_name() => {
                    Truth::False
                }
                truth => truth,
            };
            match truth {
                Truth::True => missing.held = missing.held.saturating_add(1),
                Truth::Unknown => missing.unseen = earlier(missing.unseen),
                Truth::False => {
                    missing.failed = missing.failed.saturating_add(1);
                    missing.first = earlier(missing.first);
                    if index.is_some() && condition.attribute.is_target() {
                        missing.elsewhere = missing.elsewhere.saturating_add(1);
                    }
                }
            }
        }
        missing
    }

    /// Of alternatives, the nearest; of several, the first.
    fn of_branches(
        branches: &[Vec<Condition>],
        view: &View<'_>,
        list: &'static str,
        names: PeerNames,
    ) -> Self {
        (0u32..)
            .zip(branches)
            .map(|(index, branch)| Missing::of(branch, view, list, Some(index), names))
            .reduce(|best, next| match next.nearness() > best.nearness() {
                true => next,
                false => best,
            })
            .unwrap_or_default()
    }

    fn and(self, more: Missing) -> Missing {
        let first = match self.elsewhere == 0 && more.elsewhere > 0 {
            true => more.first,
            false => self.first.or(more.first),
        };
        Missing {
            elsewhere: self.elsewhere.saturating_add(more.elsewhere),
            held: self.held.saturating_add(more.held),
            failed: self.failed.saturating_add(more.failed),
            first,
            unseen: self.unseen.or(more.unseen),
        }
    }

    /// The greater, the nearer: what only may hold comes first, then what is for such a request,
    /// then that of which most holds, then that of which least does not.
    pub(crate) fn nearness(&self) -> impl Ord + Copy + use<> {
        let holds = self.failed == 0;
        (
            holds && self.unseen.is_none(),
            holds,
            self.elsewhere == 0,
            self.held,
            Reverse(self.failed),
        )
    }

    /// Whether nothing is missing but what cannot be seen.
    pub(crate) fn may_hold(&self) -> bool {
        self.failed == 0
    }
}

impl Rule {
    /// What is missing for this rule to hold. Of alternatives it is the nearest.
    pub(crate) fn missing(&self, view: &View<'_>, names: PeerNames) -> Missing {
        Missing::of_branches(&self.from, view, "from", names)
            .and(Missing::of_branches(&self.to, view, "to", names))
            .and(Missing::of(&self.when, view, "when", None, names))
    }

    /// The same for what the request asks for alone.
    pub(crate) fn missing_target(&self, view: &View<'_>) -> Missing {
        Missing::of_branches(&self.to, view, "to", PeerNames::AsShown)
    }

    /// Whether it wants the request's path, host and method.
    pub(crate) fn is_for_such(&self, view: &View<'_>) -> bool {
        let wants = |operation: &Vec<Condition>| {
            let mut targets = operation.iter().filter(|c| c.attribute.is_target());
            targets.all(|condition| condition.truth(view) == Truth::True)
        };
        self.to.is_empty() || self.to.iter().any(wants)
    }

    /// How closely its paths and hosts describe a request; nothing where it names none that match.
    pub(crate) fn precision(&self, view: &View<'_>) -> Precision {
        let most = |attribute: Attribute| {
            let mut most = 0;
            for condition in self.to.iter().flatten() {
                if condition.attribute == attribute && !condition.negated {
                    view.any(&attribute, false, &mut |value| {
                        most = condition.values.precision(value).max(most);
                        false
                    });
                }
            }
            most
        };
        (most(Attribute::Path), most(Attribute::Host))
    }
}

impl super::Values {
    /// Of those that match, the one that says most.
    fn precision(&self, value: Value<'_>) -> usize {
        let mut most = 0;
        self.each(value, &mut |pattern| {
            if pattern.matches(value) {
                most = precision(pattern).max(most);
            }
            false
        });
        most
    }
}

/// How much of a value a pattern says.
fn precision(pattern: &Pattern) -> usize {
    match pattern {
        Pattern::Text(Wildcard::Any) => 1,
        Pattern::Text(Wildcard::Prefix(text) | Wildcard::Suffix(text)) => {
            text.len().saturating_add(2)
        }
        Pattern::Template(template) => template.literal_length().saturating_add(2),
        _ => usize::MAX,
    }
}

/// Where in a rule a condition stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConditionPlace {
    list: &'static str,
    index: u32,
    field: &'static str,
}

impl ConditionPlace {
    /// Writes it as a user would: `.from[0].source.principals`.
    pub(crate) fn write(&self, text: &mut String) {
        let inner = match self.list {
            "from" => "source.",
            "to" => "operation.",
            _ => "",
        };
        text.push('.');
        text.push_str(self.list);
        write_index(self.index, text);
        text.push('.');
        text.push_str(inner);
        text.push_str(self.field);
    }
}
