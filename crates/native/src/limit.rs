//! Rate limits: what Envoy's `local_ratelimit` and `ratelimit` do, as limits of ours.

pub(crate) mod action;
pub(crate) mod condition;
mod descriptor;
pub(crate) mod entry;
mod global;
mod local;
mod metadata;

use serde_json::{Map, Value, json};

use self::condition::Condition;
pub(crate) use self::local::is_countable;
use crate::chain::Chain;
use crate::expression::Expression;
use crate::kind::Kind;
use crate::node::Node;

/// The limits of a configuration, as they come together.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    limits: Vec<Value>,
    names: Vec<String>,
    global: Option<Value>,
}

impl Limits {
    /// Adds a limit: which requests it counts, and its other fields. What no request is needs none.
    pub(crate) fn add(
        &mut self,
        node: &Node<'_>,
        name: &str,
        expression: &Expression<Condition>,
        fields: Map<String, Value>,
    ) {
        let matches = match condition::matches(expression) {
            Ok(Some(matches)) => matches,
            Ok(None) => return,
            Err(why) => {
                node.lost(
                    format!("this limit is not carried over: {why}"),
                    "nothing is limited by it",
                );
                return;
            }
        };
        let mut limit = Map::new();
        limit.insert("name".to_owned(), self.named(name).into());
        if !matches.is_empty() {
            limit.insert("match".to_owned(), matches.into());
        }
        limit.extend(fields);
        self.limits.push(Value::Object(limit));
    }

    /// The service that is asked; a second one must be the same.
    pub(crate) fn ask(&mut self, node: &Node<'_>, global: Value) {
        match &self.global {
            Some(first) if *first != global => node.problem(
                "asks another service, or with other settings, than the filter before it, and a configuration has one `global`; convert one of them alone",
            ),
            _ => self.global = Some(global),
        }
    }

    /// The configuration; none where there is no limit.
    pub(crate) fn into_tree(self) -> Option<Value> {
        if self.limits.is_empty() {
            return None;
        }
        let mut tree = json!({"limits": self.limits});
        if let (Some(global), Some(tree)) = (self.global, tree.as_object_mut()) {
            tree.insert("global".to_owned(), global);
        }
        Some(tree)
    }

    fn named(&mut self, name: &str) -> String {
        crate::names::unique(name, "limit", &mut self.names)
    }
}

/// Reads the limits of a chain.
pub(crate) fn read(chain: &Chain<'_>, limits: &mut Limits) {
    let always = Expression::always();
    for (kind, node) in &chain.filters {
        match kind {
            Kind::LocalRateLimit => {
                let before = limits.limits.len();
                local::read(node, &always, &chain.attached, limits);
                let is_replaced = chain.overrides.iter().any(|it| it.kind == *kind);
                if is_replaced && limits.limits.len() > before {
                    node.lost(
                        "that a route's own limits stand in place of these is not carried over",
                        "these count on such routes as well: more is refused. Give them a `match` of the other routes",
                    );
                }
            }
            Kind::RateLimit => global::read(node, chain, limits),
            _ => {}
        }
    }
    for one in &chain.overrides {
        if one.kind == Kind::LocalRateLimit {
            local::read(&one.node, &one.scope, &chain.attached, limits);
        }
    }
}
