//! What the filters that do the work of Istio's resources say of those.
//!
//! They read them by istiod's rules. Where one of them needs more than istiod does, such as the service behind
//! the provider of a CUSTOM policy, a mesh has that elsewhere: what is missed then is passed over here.

use sdk_helpers::ConfigError;
use serde_json::Value;

use super::filter_refuses::said;
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

/// How a filter begins what it says of itself, which is nothing to a mesh: that it leaves to Envoy what it
/// cannot do, that its statistics are added up, that a module is not shown what Envoy's own filters see.
const OF_THE_FILTER: [&str; 8] = [
    "changes nothing here",
    "no entries: harmless",
    "no entry has a `fault`",
    "no `tags`, no `customTags` and no `metrics`",
    "has quotes, brackets or line ends",
    "Envoy does not show a module",
    "Envoy shows a module",
    "trust domain `",
];

/// Tells why objects of a kind are refused.
pub(super) fn refusals(mesh: &Mesh<'_>, kind: &str, found: &mut Found<'_>) {
    for item in mesh.of(kind) {
        let (errors, _) = of(mesh, item);
        for error in errors {
            found.at_path(item, &error.at, error.problem);
        }
    }
}

/// The errors and warnings of one object.
pub(super) fn of(mesh: &Mesh<'_>, item: &Item<'_>) -> (Vec<ConfigError>, Vec<ConfigError>) {
    let mut kinds = KINDS.iter();
    let known = kinds.find(|(kind, _)| *kind == item.kind());
    let Some(filter) = known.and_then(|(_, name)| catalog::find(name).ok()) else {
        return (Vec::new(), Vec::new());
    };
    let mut tree = item.root.value().clone();
    as_in_a_cluster(&mut tree);
    let said = said(mesh, filter, tree, item.root.path());
    let provider = item.path("spec.provider.name");
    let errors = said.errors.into_iter();
    let errors = errors.filter(|error| {
        let is_elsewhere = error.problem.contains("is none of `extensionProviders`");
        let is_of_gateway = error
            .problem
            .starts_with("a filter cannot tell which gateway");
        // Envoy's own filter takes short keys, and ours does not.
        let is_of_key = error.problem.contains("an RSA key of");
        !(is_of_gateway || is_of_key || error.at == provider && is_elsewhere)
    });
    // istiod takes it, looks in vain, and refuses every token of that issuer.
    let (late, errors): (Vec<_>, Vec<_>) =
        errors.partition(|error| error.problem.contains("keys could be discovered"));
    let is_of_mesh = |warning: &ConfigError| {
        let mut ours = OF_THE_FILTER.iter();
        !ours.any(|start| warning.problem.starts_with(start))
            && !warning.problem.contains("their statistics are added up")
    };
    let warnings = said.warnings.into_iter().filter(is_of_mesh);
    (errors, late.into_iter().chain(warnings).collect())
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
