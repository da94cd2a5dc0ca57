//! The descriptors that Envoy's `local_ratelimit` has buckets for, and those that requests have.

use serde_json::Value;

use super::action::{Item, Variant, both};
use super::condition::Condition;
use super::entry::{self, Source, equals};
use crate::expression::Expression;
use crate::node::Node;

/// An entry of `descriptors`.
pub(crate) struct Descriptor<'a> {
    pub(crate) node: Node<'a>,
    /// Keys and values; a blank value stands for each one.
    pub(crate) entries: Vec<(&'a str, &'a str)>,
    pub(crate) bucket: Option<Node<'a>>,
    pub(crate) shadow: bool,
}

/// Requests that draw on buckets of one descriptor.
pub(crate) struct Selected {
    pub(crate) condition: Expression<Condition>,
    /// What tells their buckets apart.
    pub(crate) key: Vec<Value>,
    pub(crate) cost: u64,
}

impl<'a> Descriptor<'a> {
    pub(crate) fn read(node: &Node<'a>) -> Self {
        let mut message = node.message();
        let entries = message.take("entries").map(|it| it.elements());
        let bucket = message.take("token_bucket");
        if bucket.is_none() {
            node.problem("has no `token_bucket`");
        }
        let shadow = message.take("shadow_mode").is_some_and(|it| it.flag());
        message.lose("limit", "the bucket counts, as in Envoy's filter");
        message.end();
        let entry = |node: &Node<'a>| {
            let mut message = node.message();
            let key = message.take("key").map(|it| it.text()).unwrap_or_default();
            let value = message.take("value").map(|it| it.text());
            message.end();
            if key.is_empty() {
                node.problem("has no `key`");
            }
            (key, value.unwrap_or_default())
        };
        let entries = entries.unwrap_or_default().iter().map(entry).collect();
        Descriptor {
            node: node.clone(),
            entries,
            bucket,
            shadow,
        }
    }

    /// A name for its limit: `path`, `plan.gold`.
    pub(crate) fn name(&self) -> String {
        let entries = self.entries.iter().map(|(key, value)| match *value {
            "" => (*key).to_owned(),
            value => format!("{key}.{value}"),
        });
        entries.collect::<Vec<_>>().join("-")
    }

    fn is_exact(&self) -> bool {
        self.entries.iter().all(|(_, value)| !value.is_empty())
    }

    /// Whether a request's descriptor of these entries can be this one, whatever the values are.
    fn fits(&self, variant: &Variant) -> bool {
        let keys = self.entries.iter().map(|(key, _)| *key);
        keys.eq(variant.entries.iter().map(|entry| entry.key.as_str()))
    }

    /// For which requests a variant is this descriptor.
    fn condition(&self, variant: &Variant) -> Expression<Condition> {
        let mut all = variant.condition.clone();
        for ((_, value), entry) in self.entries.iter().zip(&variant.entries) {
            if !value.is_empty() {
                all = both(all, equals(&entry.source, value));
            }
        }
        all
    }

    /// The requests that draw on it, by the items of `rate_limits` that can make it. Envoy takes an exact
    /// descriptor in place of one with blank values, so requests of one of `others` are left out.
    pub(crate) fn selected(
        &self,
        items: &[(Item<'_>, Expression<Condition>)],
        others: &[Self],
    ) -> Vec<Selected> {
        let mut all = Vec::new();
        for (item, scope) in items {
            for variant in item.variants.iter().filter(|it| self.fits(it)) {
                let mut condition = both(scope.clone(), self.condition(variant));
                let exact = others.iter().filter(|it| it.is_exact() && it.fits(variant));
                if !self.is_exact() {
                    for other in exact {
                        condition = both(condition, other.condition(variant).not());
                    }
                }
                all.push(Selected {
                    condition,
                    key: self.key(variant),
                    cost: item.cost,
                });
            }
        }
        all
    }

    /// Those that draw on the same buckets as one.
    pub(crate) fn together(&self, selected: Vec<Selected>) -> Vec<Selected> {
        let mut all: Vec<Selected> = Vec::new();
        for one in selected {
            let same = |other: &&mut Selected| other.key == one.key && other.cost == one.cost;
            match all.iter_mut().find(same) {
                Some(other) => {
                    let first = std::mem::replace(&mut other.condition, Expression::always());
                    other.condition = Expression::Any(vec![first, one.condition]);
                }
                None => all.push(one),
            }
        }
        if all.len() > 1 {
            self.node.lost(
                "that several actions draw on the same buckets is not carried over",
                "each has buckets of its own: more requests pass in all",
            );
        }
        all
    }

    fn key(&self, variant: &Variant) -> Vec<Value> {
        let entries = self.entries.iter().zip(&variant.entries);
        let blank = entries.filter(|((_, value), _)| value.is_empty());
        blank
            .filter_map(|(_, entry)| entry::part(entry, false))
            .collect()
    }

    /// That a request has this descriptor, its values among those that are there.
    pub(crate) fn holds(&self, item: &Item<'_>) -> Vec<Expression<Condition>> {
        let fitting = item.variants.iter().filter(|it| self.fits(it));
        let whole = |variant: &Variant| {
            let mut all = self.condition(variant);
            for entry in &variant.entries {
                if !matches!(entry.source, Source::Constant(_)) {
                    all = both(all, entry::there(&entry.source));
                }
            }
            all
        };
        fitting.map(whole).collect()
    }
}
