//! One rule, whatever it was written with: alternatives of conditions, and how they are decided.
//!
//! A condition can be unknown, where it asks for what Envoy does not show to a module. That is carried
//! through as a third value, so that what depends on it is unknown as well.

mod missing;

use crate::lookup::{Lookup, LookupKey};
use crate::pattern::{Pattern, Value};
use crate::truth::Truth;
use crate::view::{Attribute, View};
pub(crate) use missing::{ConditionPlace, Missing, PeerNames, Precision};

/// A rule: any of `from`, and any of `to`, and all of `when`.
#[derive(Debug, Default)]
pub struct Rule {
    /// Who sends; none at all is anybody.
    pub from: Vec<Vec<Condition>>,
    /// What is asked for; none at all is anything.
    pub to: Vec<Vec<Condition>>,
    /// What else must hold.
    pub when: Vec<Condition>,
    /// All of an ALLOW policy's rule as text, which puts rules in an order that does not depend on
    /// where they stand. Gone once the rules are compiled.
    pub text: String,
}

/// One list of a rule.
#[derive(Debug)]
pub struct Condition {
    /// What is compared.
    pub attribute: Attribute,
    /// With what; any of them.
    pub values: Values,
    /// Holds where none of them matches: `notPrincipals`, `notValues`.
    pub negated: bool,
    /// The field it was written in.
    pub field: &'static str,
    /// Which entry of `when` it was written in.
    pub entry: u32,
}

/// The entries of a list.
#[derive(Debug)]
pub struct Values {
    patterns: Box<[Pattern]>,
    /// For long lists.
    lookup: Option<Box<Long>>,
    any_name: bool,
}

#[derive(Debug, Default)]
struct Long {
    lookup: Lookup,
    /// Those that can only be tried one by one.
    rest: Vec<u32>,
}

/// A list that is longer is looked up rather than walked.
const SHORT: usize = 16;

impl Values {
    /// Takes the patterns of a list. `fold` is whether case does not count.
    pub fn new(patterns: Vec<Pattern>, fold: bool) -> Self {
        let any_name = patterns.iter().any(Pattern::takes_any_name);
        let lookup = (patterns.len() > SHORT).then(|| {
            let mut long = Long::default();
            for (id, pattern) in (0u32..).zip(&patterns) {
                match LookupKey::of(pattern, fold) {
                    Some(key) => long.lookup.file(&key, pattern, id),
                    None => long.rest.push(id),
                }
            }
            long.lookup.finish();
            Box::new(long)
        });
        Values {
            patterns: patterns.into(),
            lookup,
            any_name,
        }
    }

    /// All of them.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Whether any matches.
    pub fn matches(&self, value: Value<'_>) -> bool {
        self.each(value, &mut |pattern| pattern.matches(value))
    }

    /// Shows those that may match, until told that it is enough.
    fn each(&self, value: Value<'_>, enough: &mut dyn FnMut(&Pattern) -> bool) -> bool {
        let Some(long) = &self.lookup else {
            return self.patterns.iter().any(enough);
        };
        let mut enough = |id: u32| self.patterns.get(id as usize).is_some_and(&mut *enough);
        long.lookup.find(value, &mut enough) || long.rest.iter().any(|id| enough(*id))
    }
}

impl Condition {
    /// Whether it holds.
    pub fn truth(&self, view: &View<'_>) -> Truth {
        let truth = view.any(&self.attribute, self.values.any_name, &mut |value| {
            self.values.matches(value)
        });
        if self.negated { !truth } else { truth }
    }
}

fn all(conditions: &[Condition], view: &View<'_>) -> Truth {
    let mut least = Truth::True;
    for condition in conditions {
        least = least.min(condition.truth(view));
        if least == Truth::False {
            break;
        }
    }
    least
}

fn any(branches: &[Vec<Condition>], view: &View<'_>) -> Truth {
    if branches.is_empty() {
        return Truth::True;
    }
    let mut greatest = Truth::False;
    for branch in branches {
        greatest = greatest.max(all(branch, view));
        if greatest == Truth::True {
            break;
        }
    }
    greatest
}

impl Rule {
    /// Whether it matches every request.
    pub fn is_empty(&self) -> bool {
        let takes_all =
            |branches: &[Vec<Condition>]| branches.is_empty() || branches.iter().any(Vec::is_empty);
        takes_all(&self.from) && takes_all(&self.to) && self.when.is_empty()
    }

    /// Whether it matches. What costs least is asked first.
    pub fn truth(&self, view: &View<'_>) -> Truth {
        let mut least = any(&self.to, view);
        if least != Truth::False {
            least = least.min(any(&self.from, view));
        }
        if least != Truth::False {
            least = least.min(all(&self.when, view));
        }
        least
    }

    /// Every condition.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.from.iter().chain(&self.to).flatten().chain(&self.when)
    }
}

/// Writes `[7]`, without the machinery of formatting.
pub(crate) fn write_index(index: u32, text: &mut String) {
    let mut digits = [0u8; 10];
    let mut rest = index;
    let mut used = 0usize;
    for digit in digits.iter_mut().rev() {
        *digit = b'0'.saturating_add((rest % 10) as u8);
        rest /= 10;
        used = used.saturating_add(1);
        if rest == 0 {
            break;
        }
    }
    text.push('[');
    for digit in digits.iter().skip(digits.len().saturating_sub(used)) {
        text.push(char::from(*digit));
    }
    text.push(']');
}
