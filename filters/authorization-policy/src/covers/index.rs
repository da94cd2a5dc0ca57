//! Which rules may cover one, of very many: those with a pattern that covers one of its own.

use std::collections::{BTreeSet, HashMap};

use sdk_helpers::matcher::Wildcard;

use super::Rules;
use crate::pattern::Pattern;
use crate::rule::{Condition, Rule};
use crate::view::Attribute;

/// Rules of many policies, filed by their patterns. A rule is known by the numbers of its policy and of itself in it.
#[derive(Debug)]
pub struct Index {
    filed: HashMap<Key, Vec<(usize, usize)>>,
    /// Those that ask for nothing that could be filed.
    rest: Vec<(usize, usize)>,
}

/// What a pattern covers others by.
type Key = (Attribute, Covering);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Covering {
    /// `*`.
    Anything,
    Exact(Box<[u8]>),
    Prefix(Box<[u8]>),
    Suffix(Box<[u8]>),
    /// The first bytes of a block of addresses, how many bits count, and whether it is of version 6.
    Block([u8; 16], u8, bool),
    /// Covers none but itself.
    Itself(String),
}

impl Index {
    /// Files them.
    pub fn new(policies: &[&Rules]) -> Index {
        let all = || {
            let policies = policies.iter().enumerate();
            policies.flat_map(|(policy, rules)| {
                let rules = rules.0.iter().enumerate();
                rules.map(move |(number, rule)| ((policy, number), rule))
            })
        };
        // How many rules have a key: one that many share tells none of them from the others.
        let mut counts: HashMap<Key, usize> = HashMap::new();
        for (_, rule) in all() {
            let keys: Vec<Key> = parts(rule).into_iter().flatten().collect();
            for key in keys {
                *counts.entry(key).or_default() += 1;
            }
        }
        let most = |keys: &Vec<Key>| keys.iter().filter_map(|key| counts.get(key)).max().copied();
        let mut index = Index {
            filed: HashMap::new(),
            rest: Vec::new(),
        };
        for (place, rule) in all() {
            match parts(rule).into_iter().min_by_key(most) {
                None => index.rest.push(place),
                Some(keys) => {
                    for key in keys {
                        index.filed.entry(key).or_default().push(place);
                    }
                }
            }
        }
        index
    }

    /// Those that may cover a rule, each once and in order; others do not.
    pub fn may_cover(&self, rules: &Rules, number: usize) -> Vec<(usize, usize)> {
        let Some(rule) = rules.0.get(number) else {
            return Vec::new();
        };
        let first = |branches: &[Vec<Condition>]| -> Vec<Key> {
            let conditions = branches.first().into_iter().flatten();
            conditions.flat_map(covered_by).collect()
        };
        let when = rule.when.iter().flat_map(covered_by);
        let keys = first(&rule.from)
            .into_iter()
            .chain(first(&rule.to))
            .chain(when);
        let filed = keys.filter_map(|key| self.filed.get(&key)).flatten();
        let all: BTreeSet<_> = filed.chain(&self.rest).copied().collect();
        all.into_iter().collect()
    }
}

/// The ways in which a rule can be filed: by each part of it that has something in every alternative, under all keys
/// of which one has to be covered.
fn parts(rule: &Rule) -> Vec<Vec<Key>> {
    let branches = [&rule.from, &rule.to].into_iter();
    let branches = branches.filter(|branches| !branches.is_empty());
    let of_branches = branches.filter_map(|branches| {
        let keys: Option<Vec<Vec<Key>>> = branches
            .iter()
            .map(|branch| branch.iter().find_map(keys))
            .collect();
        Some(keys?.into_iter().flatten().collect())
    });
    of_branches
        .chain(rule.when.iter().filter_map(keys))
        .collect()
}

/// The keys of a condition; none of one that holds where nothing matches.
fn keys(condition: &Condition) -> Option<Vec<Key>> {
    if condition.negated {
        return None;
    }
    let patterns = condition.values.patterns().iter();
    let keys = patterns.map(|pattern| {
        (
            condition.attribute.clone(),
            covering(pattern, &condition.attribute),
        )
    });
    Some(keys.collect())
}

fn covering(pattern: &Pattern, of: &Attribute) -> Covering {
    let text = |text: &[u8]| -> Box<[u8]> { folded(text, of).into() };
    match pattern {
        Pattern::Text(Wildcard::Any) => Covering::Anything,
        Pattern::Text(Wildcard::Exact(exact)) => Covering::Exact(text(exact)),
        Pattern::Text(Wildcard::Prefix(start)) => Covering::Prefix(text(start)),
        Pattern::Text(Wildcard::Suffix(end)) => Covering::Suffix(text(end)),
        Pattern::Block(block) => Covering::Block(block.first(), block.bits(), block.is_v6()),
        // Of these one with stars may cover others: all are filed alike.
        Pattern::Token(..) | Pattern::Element(_) => Covering::Anything,
        other => Covering::Itself(format!("{other:?}")),
    }
}

/// The keys of whatever covers the first pattern of a condition.
fn covered_by(condition: &Condition) -> Vec<Key> {
    let of = &condition.attribute;
    let Some(first) = condition
        .values
        .patterns()
        .first()
        .filter(|_| !condition.negated)
    else {
        return Vec::new();
    };
    let mut all = vec![Covering::Anything];
    let starts = |text: &[u8], all: &mut Vec<Covering>| {
        let text = folded(text, of);
        all.extend(
            (0..=text.len()).filter_map(|end| Some(Covering::Prefix(text.get(..end)?.into()))),
        );
    };
    let ends = |text: &[u8], all: &mut Vec<Covering>| {
        let text = folded(text, of);
        all.extend(
            (0..=text.len()).filter_map(|start| Some(Covering::Suffix(text.get(start..)?.into()))),
        );
    };
    match first {
        Pattern::Text(Wildcard::Exact(text)) => {
            starts(text, &mut all);
            ends(text, &mut all);
        }
        Pattern::Text(Wildcard::Prefix(text)) => starts(text, &mut all),
        Pattern::Text(Wildcard::Suffix(text)) => ends(text, &mut all),
        Pattern::Template(template) => starts(&template.literal_start(), &mut all),
        Pattern::Block(block) => {
            let wider = |bits| Covering::Block(block.wider(bits).first(), bits, block.is_v6());
            all.extend((0..=block.bits()).map(wider));
        }
        _ => {}
    }
    all.push(covering(first, of));
    all.into_iter()
        .map(|covering| (of.clone(), covering))
        .collect()
}

/// A text as it is compared.
fn folded(text: &[u8], of: &Attribute) -> Vec<u8> {
    match of {
        Attribute::Host => text.to_ascii_lowercase(),
        _ => text.to_vec(),
    }
}
