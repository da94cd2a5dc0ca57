//! Envoy's own filters as configurations of ours: `jwt_authn`, `rbac`, `local_ratelimit`, `ratelimit` and `fault`, in
//! what an EnvoyFilter puts into a proxy of Istio's or in any part of Envoy's configuration; and the quotas of Istio's
//! Mixer, which came before those. What a configuration of
//! ours has no word for is told, with its place and what comes of it; where that could let requests pass which Envoy
//! denies, nothing is converted.
//!
//! ```text
//! documents ─find→ Chain { filters, routes } ─each kind→ { tree, losses } or problems
//! ```
//!
//! ```
//! use documents::Document;
//!
//! let documents = Document::read_text("limit.yaml", "
//! name: envoy.filters.http.local_ratelimit
//! typed_config:
//!   '@type': type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
//!   stat_prefix: api
//!   token_bucket: {max_tokens: 20, tokens_per_fill: 100, fill_interval: 60s}
//!   filter_enabled: {default_value: {numerator: 100}}
//!   filter_enforced: {default_value: {numerator: 100}}
//! ")?;
//! let native = native::read(&documents).map_err(|problems| format!("{problems:?}"))?;
//! let limit = &native.tree["rateLimit"]["limits"][0];
//! assert_eq!((&limit["requests"], &limit["per"], &limit["burst"]), (&100.into(), &"1m".into(), &20.into()));
//! // Its statistics have another name.
//! assert_eq!(native.losses[0].path, "typed_config.stat_prefix");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod chain;
mod claim;
mod envoy_filter;
mod expression;
mod fault;
mod jwt;
mod kind;
mod limit;
mod mixer;
mod names;
mod node;
mod proto;
mod rbac;
mod snippet;
mod text;

use std::fmt;

use documents::Document;
use policies::Problem;
use serde_json::{Map, Value};

use crate::chain::Chain;
use crate::kind::Kind;
use crate::limit::Limits;
use crate::mixer::Mixer;
use crate::node::{Log, Node};
use crate::rbac::{Claims, Policies};

/// What Envoy's own filters are as a configuration of ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Native {
    /// The configuration, in the shape of the one module's: `{"rateLimit": {"limits": […]}}`. Empty where nothing
    /// of the documents is carried over.
    pub tree: Value,
    /// What is not carried over.
    pub losses: Vec<Loss>,
    /// The documents that were read, by their place among those given. The others are of other kinds.
    pub taken: Vec<usize>,
}

/// What is not carried over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Where it stands: `limits.yaml:12:5`.
    pub place: String,
    /// The path of the field, empty for the whole document.
    pub path: String,
    /// What it is.
    pub what: String,
    /// What comes of it: what requests see, and what to do.
    pub consequence: String,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.place, &self.path] {
            if !part.is_empty() {
                write!(f, "{part}: ")?;
            }
        }
        write!(f, "{}: {}", self.what, self.consequence)
    }
}

/// Reads Envoy's own filters in documents: EnvoyFilters with them, and parts of Envoy's configuration, which have no
/// `kind`; and the quotas of Istio's Mixer. Other documents are passed over.
///
/// # Errors
/// What is no configuration of Envoy's, and what cannot be converted without letting requests pass that Envoy
/// refuses.
pub fn read(documents: &[Document]) -> Result<Native, Vec<Problem>> {
    let log = Log::default();
    let mut chain = Chain::default();
    let mut mixer = Mixer::default();
    let mut taken = Vec::new();
    let roots = documents.iter().map(|document| Node::root(document, &log));
    let all: Vec<_> = roots.map(|root| objects(&root)).collect();
    let has_quotas = all.iter().flatten().any(Mixer::is_handler);
    for (index, object) in (0..)
        .zip(&all)
        .flat_map(|(index, objects)| objects.iter().map(move |object| (index, object)))
    {
        let is_mentioned = kind::is_mentioned(object.value());
        match object.text_of("kind") {
            "EnvoyFilter" if is_mentioned => chain.envoy_filter(object),
            "" if is_mentioned => chain.snippet(object),
            _ if has_quotas && mixer.take(object) => {}
            _ => continue,
        }
        if taken.last() != Some(&index) {
            taken.push(index);
        }
    }
    let tree = tree(&chain, &mixer);
    let (losses, problems) = log.into_parts();
    match problems.is_empty() {
        true => Ok(Native {
            tree: Value::Object(tree),
            losses,
            taken,
        }),
        false => Err(problems),
    }
}

/// A document, or the entries of a `List`.
fn objects<'a>(root: &Node<'a>) -> Vec<Node<'a>> {
    let items = root.field("items");
    match items.filter(|_| root.text_of("kind").ends_with("List")) {
        Some(items) => items.elements(),
        None => vec![root.clone()],
    }
}

fn tree(chain: &Chain<'_>, mixer: &Mixer<'_>) -> Map<String, Value> {
    let mut tree = Map::new();
    snippet::tell_of_order(&chain.filters);
    let mut policies = Policies::default();
    let mut claims = Claims::default();
    let mut tokens: Option<Value> = None;
    let mut is_asked = false;
    for (_, node) in chain
        .filters
        .iter()
        .filter(|(kind, _)| *kind == Kind::JwtAuthn)
    {
        let read = jwt::read(node, &mut policies);
        if std::mem::replace(&mut is_asked, true) {
            node.problem(
                "is a second `jwt_authn`, and a configuration has one; convert them one by one",
            );
        }
        claims = read.claims;
        tokens = read.tree;
    }
    for (_, node) in chain.filters.iter().filter(|(kind, _)| *kind == Kind::Rbac) {
        policies.read(node, &claims);
    }
    for one in &chain.overrides {
        match one.kind {
            Kind::JwtAuthn => jwt::route(&one.node),
            Kind::Rbac => Policies::route(&one.node),
            Kind::LocalRateLimit | Kind::RateLimit | Kind::Fault => {}
        }
    }
    if let Some(tokens) = tokens {
        tree.insert("requestAuthentication".to_owned(), tokens);
    }
    if let Some(policies) = policies.into_tree() {
        tree.insert("authorizationPolicy".to_owned(), policies);
    }
    let mut limits = Limits::default();
    limit::read(chain, &mut limits);
    mixer.limits(&mut limits);
    if let Some(limits) = limits.into_tree() {
        tree.insert("rateLimit".to_owned(), limits);
    }
    if let Some(faults) = fault::tree(chain) {
        tree.insert("faultInjection".to_owned(), faults);
    }
    tree
}
