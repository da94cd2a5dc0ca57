//! What the filters that do the work of Istio's resources say of those.
//!
//! They read them by istiod's rules. Where one of them needs more than istiod does, such as the service behind
//! the provider of a CUSTOM policy, a mesh has that elsewhere: what is missed then is passed over here.

use sdk_helpers::config::{Problem, Scope};
use serde_json::Value;

use super::filter_refuses::{Said, said};
use crate::found::Found;
use crate::mesh::Mesh;
use crate::source::Item;

/// The kinds, each with its filter.
const KINDS: [(&str, &str); 4] = [
    ("AuthorizationPolicy", "authorization-policy"),
    ("RequestAuthentication", "request-authentication"),
    ("VirtualService", "fault-injection"),
    ("Telemetry", "telemetry-tags"),
];

/// Tells why objects of a kind are refused.
pub(super) fn refusals(mesh: &Mesh<'_>, kind: &str, found: &mut Found<'_>) {
    for item in mesh.of(kind) {
        for error in of(mesh, item).errors {
            found.problem(item, error);
        }
    }
}

/// The errors and warnings of one object, as far as they are a mesh's too.
pub(super) fn of(mesh: &Mesh<'_>, item: &Item<'_>) -> Said {
    let mut kinds = KINDS.iter();
    let known = kinds.find(|(kind, _)| *kind == item.kind());
    let Some(filter) = known.and_then(|(_, name)| catalog::find(name).ok()) else {
        return Said::default();
    };
    let mut tree = item.root.value().clone();
    as_in_a_cluster(&mut tree);
    let mut said = said(mesh, filter, tree, item.root.path());
    // What is said of the mesh is asked by a rule of its own.
    let is_of_object = |it: &Problem| ![Scope::Filter, Scope::Settings].contains(&it.scope);
    said.errors.retain(is_of_object);
    said.warnings.retain(is_of_object);
    // A mesh takes the object, and fails when a request comes.
    let is_later = |error: &mut Problem| error.scope == Scope::Later;
    let mut late: Vec<_> = said.errors.extract_if(.., is_later).collect();
    late.append(&mut said.warnings);
    said.warnings = late;
    said
}

/// An object as a cluster has it: in a namespace, and with what a version of Istio newer than our filters
/// takes, and makes nothing of yet, left out.
fn as_in_a_cluster(tree: &mut Value) {
    if let Some(metadata) = tree.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.entry("namespace").or_insert("default".into());
    }
    let rules = tree
        .pointer_mut("/spec/jwtRules")
        .and_then(Value::as_array_mut);
    for rule in rules.into_iter().flatten().filter_map(Value::as_object_mut) {
        let presence = rule.get("presence").and_then(Value::as_str);
        if presence.is_some_and(|presence| ["OPTIONAL", "REQUIRED"].contains(&presence)) {
            rule.remove("presence");
        }
    }
}
