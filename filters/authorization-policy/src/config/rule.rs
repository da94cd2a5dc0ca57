//! A rule as a user writes it, checked and made uniform.

use sdk_helpers::At;

use super::keys;
use super::lists::Lists;
use super::unseen::Unseen;
use super::values::{Kind, Reader};
use super::wire::{ActionWire, RuleWire, WhenWire};
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
        if let Some(from) = wire.from {
            let mut sources = from.into_iter().map(|from| from?.source);
            rule.from = self.branches("from", "source", &mut sources, &mut rule.text, at);
        }
        if let Some(to) = wire.to {
            let mut operations = to.into_iter().map(|to| to?.operation);
            rule.to = self.branches("to", "operation", &mut operations, &mut rule.text, at);
        }
        let at = at.field("when");
        for (entry, item) in (0u32..).zip(wire.when.unwrap_or_default()) {
            let at = at.index(entry as usize);
            self.when(item.unwrap_or_default(), entry, &at, &mut rule);
        }
        rule
    }

    /// The sources or the operations.
    fn branches(
        &self,
        list: &str,
        inner: &str,
        branches: &mut dyn ExactSizeIterator<Item = Option<Lists>>,
        text: &mut String,
        at: &At<'_>,
    ) -> Vec<Vec<Condition>> {
        let problems = self.values.problems;
        let at = at.field(list);
        if branches.len() == 0 {
            problems.error(&at, "must not be an empty list; remove it, or add an entry");
        }
        let mut read = Vec::with_capacity(branches.len());
        for (index, lists) in branches.enumerate() {
            let at = at.index(index);
            let Some(lists) = lists else {
                problems.error(&at, format!("must have `{inner}`"));
                continue;
            };
            self.write(text, list, &[]);
            read.push(self.branch(lists, text, &at.field(inner)));
        }
        read
    }

    /// A source or an operation.
    fn branch(&self, lists: Lists, text: &mut String, at: &At<'_>) -> Vec<Condition> {
        let problems = self.values.problems;
        let mut conditions = Vec::new();
        let (mut accounts, mut identities) = (false, false);
        for (list, values) in lists {
            if values.is_empty() {
                continue;
            }
            accounts |= list.kind == Kind::Account;
            identities |= matches!(list.kind, Kind::Principal | Kind::Namespace);
            let at = at.field(list.field);
            if self.is_custom() && matches!(list.attribute, Attribute::Peer | Attribute::Token) {
                problems.error(&at, NOT_CUSTOM);
            }
            self.write(text, list.field, &values);
            let condition = Condition {
                values: self.list(list.kind, &values, &list.attribute, &at),
                attribute: list.attribute.clone(),
                negated: list.negated,
                field: list.field,
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
        // What a list lacks that is none has been told of it.
        if conditions.is_empty() && !problems.has_errors_at(at) {
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
        let key = key.unwrap_or_default();
        let (values, not_values) = (values.unwrap_or_default(), not_values.unwrap_or_default());
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

/// In the order of what asking costs.
fn insert(conditions: &mut Vec<Condition>, condition: Condition) {
    let cost = condition.attribute.cost();
    let at = conditions
        .iter()
        .position(|other| other.attribute.cost() > cost);
    conditions.insert(at.unwrap_or(conditions.len()), condition);
}
