//! The policies of many documents as one configuration: Istio's resources by istiod's selection, our own
//! configurations, by themselves or inside an EnvoyFilter, a WasmPlugin, a TrafficExtension or a bootstrap,
//! and what a MeshConfig among them says.
//!
//! ```text
//! documents ─gather→ Gathered { tree, mesh, notes } ─catalog→ filters
//!                             └─ locate(ConfigError) → file:line:column: path: problem
//! ```
//!
//! ```
//! use documents::Document;
//! use policies::{Settings, gather};
//!
//! let documents = Document::read_text("policies.yaml", "
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: viewer, namespace: shop}
//! spec: {selector: {matchLabels: {app: web}}, rules: [{}]}
//! ---
//! trustDomain: mesh.example
//! ")?;
//! let gathered = gather(&documents, &Settings::default())?;
//! assert_eq!(gathered.tree["resources"][0]["metadata"]["name"], "viewer");
//! assert_eq!(gathered.tree["authorizationPolicy"]["trustDomain"], "mesh.example");
//! // Nobody said for which workload, so all of them apply, and that is said.
//! assert_eq!(gathered.notes.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod clusters;
mod embedded;
mod gather;
mod hosts;
mod keys;
mod mesh;
mod selection;

use std::fmt;

use catalog::Filter;
use serde_json::Value;

pub use embedded::{Embedded, embedded, named_by};
pub use gather::{Gathered, Resource, gather};
pub use keys::Keys;
pub use mesh::Mesh;
pub use selection::{GATEWAY, Selection};

/// What is said beside the documents.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The workload whose policies are wanted; all where none is named.
    pub selection: Option<Selection>,
    /// In place of a MeshConfig's.
    pub trust_domain: Option<String>,
    /// The filter that a configuration is of which does not say so itself.
    pub filter: Option<&'static Filter>,
    /// Keys of issuers, in place of those that would be fetched.
    pub keys: Vec<Keys>,
    /// Whether those of other issuers are fetched, where the configuration runs: else it is noted that they are not.
    pub keys_are_fetched: bool,
}

/// What is wrong with a document: where, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `policies.yaml:3:11`, or the file alone.
    pub place: String,
    /// The path of the field, empty for the whole document.
    pub path: String,
    /// What is wrong, and what to do.
    pub problem: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.place, &self.path] {
            if !part.is_empty() {
                write!(f, "{part}: ")?;
            }
        }
        f.write_str(&self.problem)
    }
}

impl std::error::Error for Problem {}

/// The text at a path of names.
fn text<'a>(tree: &'a Value, path: &[&str]) -> Option<&'a str> {
    at(tree, path)?.as_str()
}

/// The value at a path of names.
fn at<'a>(tree: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(tree, |value, name| value.get(name))
}
