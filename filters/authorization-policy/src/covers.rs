//! Whether a rule matches every request that another matches, as far as their values alone can tell: a yes is sure, and
//! a no may be a "perhaps".
//!
//! Nothing here runs for a request: it is for who looks at policies before a mesh has them.

mod index;

use sdk_helpers::matcher::Wildcard;
use sdk_helpers::{Load, config};
use serde_json::Value as Tree;

use crate::config::{Config, ENVELOPE, Wire};
use crate::pattern::Pattern;
use crate::rule::{Condition, Rule, Values};
use crate::view::Attribute;

pub use index::Index;

/// The rules of one AuthorizationPolicy, in its order; those of one that is refused are not all there.
#[derive(Debug, Default)]
pub struct Rules(Vec<Rule>);

/// Of more pairs of a `from` and a `to` it is not asked what each of them has covered.
const MOST_PAIRS: usize = 256;

impl Rules {
    /// Reads an object. What is wrong with it is told to `load.problems`.
    pub fn read(object: Tree, load: &Load<'_>) -> Rules {
        let tree = ENVELOPE.unwrap(object, Vec::new(), &load.at, load.problems);
        let wire = config::read::<Wire>(&tree, &load.at, load.problems);
        let Config { policies, .. } = wire.check(&load.at, load.problems);
        Rules(policies.into_iter().flat_map(|it| it.rules).collect())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the rule of this number matches every request that a rule of others matches.
    pub fn covers(&self, number: usize, others: &Rules, other: usize) -> bool {
        match (self.0.get(number), others.0.get(other)) {
            (Some(wide), Some(narrow)) => wide.covers(narrow),
            _ => false,
        }
    }
}

impl Rule {
    fn covers(&self, narrow: &Rule) -> bool {
        // Where none is said there is one that asks for nothing.
        let anything = [Vec::new()];
        let [from, to] = [&narrow.from, &narrow.to].map(|branches| match branches.as_slice() {
            [] => &anything[..],
            branches => branches,
        });
        if from.len().saturating_mul(to.len()) > MOST_PAIRS {
            return false;
        }
        // A request that matches has all conditions of one `from`, one `to`, and all of `when`.
        from.iter().all(|from| {
            to.iter().all(|to| {
                let given = || from.iter().chain(to).chain(&narrow.when);
                let holds = |wanted: &Condition| given().any(|it| wanted.follows_from(it));
                let any = |branches: &[Vec<Condition>]| {
                    branches.is_empty() || branches.iter().any(|it| it.iter().all(holds))
                };
                self.when.iter().all(holds) && any(&self.to) && any(&self.from)
            })
        })
    }
}

impl Condition {
    /// Whether it holds wherever another one does.
    fn follows_from(&self, given: &Condition) -> bool {
        if self.attribute != given.attribute || self.negated != given.negated {
            return false;
        }
        match self.negated {
            // None of the given ones matches, so none of fewer does.
            true => given.values.cover(&self.values, &self.attribute),
            false => self.values.cover(&given.values, &self.attribute),
        }
    }
}

impl Values {
    /// Whether each pattern of others is covered by one of these.
    fn cover(&self, others: &Values, of: &Attribute) -> bool {
        let mut others = others.patterns().iter();
        others.all(|narrow| self.patterns().iter().any(|wide| covers(wide, narrow, of)))
    }
}

/// Whether a pattern matches every value of an attribute that another matches.
fn covers(wide: &Pattern, narrow: &Pattern, of: &Attribute) -> bool {
    let fold = *of == Attribute::Host;
    // Whatever a token or a certificate says may have line ends in it, which `*` does not match.
    let may_have_lines = match of {
        Attribute::Claim(_) | Attribute::Metadata { .. } | Attribute::Peer | Attribute::Token => {
            true
        }
        Attribute::Path
        | Attribute::Method
        | Attribute::Host
        | Attribute::Header(_)
        | Attribute::DestinationPort
        | Attribute::DestinationIp
        | Attribute::RemoteIp
        | Attribute::Sni
        | Attribute::SourceIp => false,
    };
    let text = |wide: &Wildcard, narrow: &Wildcard| {
        let is_open = matches!(narrow, Wildcard::Prefix(_) | Wildcard::Suffix(_));
        wide.covers(narrow, fold) && !(may_have_lines && is_open && *wide == Wildcard::Any)
    };
    match (wide, narrow) {
        (Pattern::Text(wide), Pattern::Text(narrow))
        | (Pattern::Element(wide), Pattern::Element(narrow)) => text(wide, narrow),
        (Pattern::Text(Wildcard::Any), Pattern::Template(_)) => true,
        (Pattern::Text(Wildcard::Prefix(start)), Pattern::Template(template)) => {
            template.literal_start().starts_with(start)
        }
        (Pattern::Token(issuer, subject), Pattern::Token(one, other)) => {
            text(issuer, one) && text(subject, other)
        }
        (Pattern::Block(wide), Pattern::Block(narrow)) => wide.covers(narrow),
        _ => wide == narrow,
    }
}

#[cfg(test)]
mod tests;
