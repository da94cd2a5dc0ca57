//! A rule as a user writes it, checked and made uniform.

use sdk_helpers::At;

use super::keys;
use super::unseen::Unseen;
use super::values::{Kind, Reader};
use super::wire::{ActionWire, Lists, OPERATION, RuleWire, SOURCE, WhenWire};
use crate::rule::{Condition, Rule, Values};
use crate::view::Attribute;

/// Why a CUSTOM policy may not say who sends: it is asked before that is known.
const NOT_CUSTOM: &str = "cannot be used with action CUSTOM: the provider is asked before a token is verified, and Istio \
     refuses identities there";

/// What rules are read by.
pub(super) struct RuleReader<'a> {
    pub(super) values: Reader<'a>,
    pub(super) action: ActionWire,
    pub(super) unseen: &'a Unseen,
}

impl RuleReader<'_> {
    /// Reads a rule.
    pub(super) fn rule(&self, wire: RuleWire, at: &At<'_>) -> Rule {
        let mut rule = Rule::default();
        for (list, inner, branches) in [("from", "source", wire.from), ("to", "operation", wire.to)]
        {
            let at = at.field(list);
            let Some(branches) = branches else {
                continue;
            };
            if branches.is_empty() {
                self.values
                    .problems
                    .error(&at, "must not be an empty list; remove it, or add an entry");
            }
            for (index, lists) in branches.into_iter().enumerate() {
                let at = at.index(index);
                let Some(lists) = lists else {
                    self.values
                        .problems
                        .error(&at, format!("must have `{inner}`"));
                    continue;
                };
                self.write(&mut rule.text, list, &[]);
                let at = at.field(inner);
                let branch = self.branch(list == "from", lists, &mut rule.text, &at);
                if list == "from" {
                    rule.from.push(branch);
                } else {
                    rule.to.push(branch);
                }
            }
        }
        let at = at.field("when");
        for (entry, item) in (0u32..).zip(wire.when) {
            let at = at.index(entry as usize);
            self.when(item, entry, &at, &mut rule);
        }
        rule
    }

    /// A source or an operation.
    fn branch(
        &self,
        is_source: bool,
        lists: Lists,
        text: &mut String,
        at: &At<'_>,
    ) -> Vec<Condition> {
        let problems = self.values.problems;
        let mut conditions = Vec::new();
        let (mut accounts, mut identities) = (false, false);
        for (place, values) in lists {
            if values.is_empty() {
                continue;
            }
            let (names, (attribute, kind)) = if is_source {
                (&SOURCE[..], source(place))
            } else {
                (&OPERATION[..], operation(place))
            };
            let field = names.get(place).copied().unwrap_or_default();
            accounts |= kind == Kind::Account;
            identities |= matches!(kind, Kind::Principal | Kind::Namespace);
            let at = at.field(field);
            if self.is_custom() && matches!(attribute, Attribute::Peer | Attribute::Token) {
                problems.error(&at, NOT_CUSTOM);
            }
            self.write(text, field, &values);
            let condition = Condition {
                values: self.list(kind, &values, &attribute, &at),
                attribute,
                negated: place % 2 == 1,
                field,
                entry: 0,
            };
            self.warn_of_unseen(&condition, &values, &at);
            insert(&mut conditions, condition);
        }
        if accounts && identities {
            problems.error(
                at,
                "cannot have `serviceAccounts` beside `principals` or `namespaces`",
            );
        }
        if conditions.is_empty() {
            problems.error(at, "must not be empty: name at least one value");
        }
        conditions
    }

    /// Adds to what tells one rule from another, which only those that may allow need.
    fn write(&self, text: &mut String, field: &str, values: &[String]) {
        if self.action == ActionWire::Allow {
            for part in std::iter::once(field).chain(values.iter().map(String::as_str)) {
                text.push_str(part);
                text.push('\n');
            }
        }
    }

    fn is_custom(&self) -> bool {
        self.action == ActionWire::Custom
    }

    fn warn_of_unseen(&self, condition: &Condition, values: &[String], at: &At<'_>) {
        let any = values.iter().any(|value| value == "*");
        let problems = self.values.problems;
        self.unseen.warn(self.action, condition, any, at, problems);
    }

    fn list(&self, kind: Kind, values: &[String], attribute: &Attribute, at: &At<'_>) -> Values {
        let patterns = self.values.patterns(kind, values, at);
        Values::new(patterns, *attribute == Attribute::Host)
    }

    fn when(&self, wire: WhenWire, entry: u32, at: &At<'_>, rule: &mut Rule) {
        let problems = self.values.problems;
        let WhenWire {
            key,
            values,
            not_values,
        } = wire;
        if key.is_empty() {
            problems.error(&at.field("key"), "must not be empty");
            return;
        }
        if values.is_empty() && not_values.is_empty() {
            problems.error(at, "at least one of `values` and `notValues` must be set");
        }
        let (attribute, kind) = match keys::read(&key, &at.field("key"), problems) {
            Ok(read) => read,
            Err(problem) => {
                problems.error(&at.field("key"), problem);
                return;
            }
        };
        let identity = attribute == Attribute::Peer || key.starts_with("request.auth.");
        if self.is_custom() && identity {
            problems.error(&at.field("key"), NOT_CUSTOM);
        }
        for (name, values, negated) in [("values", values, false), ("notValues", not_values, true)]
        {
            if values.is_empty() {
                continue;
            }
            self.write(&mut rule.text, &key, &[]);
            self.write(&mut rule.text, name, &values);
            let condition = Condition {
                values: self.list(kind, &values, &attribute, &at.field(name)),
                attribute: attribute.clone(),
                negated,
                field: name,
                entry,
            };
            self.warn_of_unseen(&condition, &values, &at.field(name));
            insert(&mut rule.when, condition);
        }
    }
}

/// What a list of a source asks for, by its place in [`SOURCE`].
fn source(place: usize) -> (Attribute, Kind) {
    match place / 2 {
        0 => (Attribute::Peer, Kind::Principal),
        1 => (Attribute::Token, Kind::Token),
        2 => (Attribute::Peer, Kind::Account),
        3 => (Attribute::Peer, Kind::TrustDomain),
        4 => (Attribute::Peer, Kind::Namespace),
        5 => (Attribute::RemoteIp, Kind::Address),
        _ => (Attribute::SourceIp, Kind::Address),
    }
}

/// The same for an operation and [`OPERATION`].
fn operation(place: usize) -> (Attribute, Kind) {
    match place / 2 {
        0 => (Attribute::Host, Kind::Host),
        1 => (Attribute::Method, Kind::Method),
        2 => (Attribute::Path, Kind::Path),
        _ => (Attribute::DestinationPort, Kind::Port),
    }
}

/// In the order of what asking costs.
fn insert(conditions: &mut Vec<Condition>, condition: Condition) {
    let cost = condition.attribute.cost();
    let at = conditions
        .iter()
        .position(|other| other.attribute.cost() > cost);
    conditions.insert(at.unwrap_or(conditions.len()), condition);
}
