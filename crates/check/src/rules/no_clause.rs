//! Patches that lack what they are about.

use super::patched::{Patched, filter, patches, sub_filter};
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use crate::spot::Spot;
use istio::{ApplyTo, Operation, Patch};

pub(super) const RULE: Rule = Rule {
    code: "MF0209",
    severity: Severity::Warning,
    title: "an EnvoyFilter does not say which filter it is about",
    text: "Without `filter` (of NETWORK_FILTER) or `subFilter` (of HTTP_FILTER) istiod does nothing for \
           `REPLACE` and `REMOVE`, without a word; `INSERT_BEFORE` puts the new filter first of all, before \
           authentication and authorization; and `MERGE` is tried on every filter, a `name` in it renaming them \
           all. HTTP filters stand in the HTTP connection manager alone: another `filter.name` matches nothing.",
    help: "name it: `filter: {name: envoy.filters.network.http_connection_manager, subFilter: {name: envoy.filters.http.router}}`, or say `INSERT_FIRST` where first is meant",
    bad: "
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: lua, namespace: shop}
spec:
  configPatches:
  - applyTo: HTTP_FILTER
    match:
      context: SIDECAR_INBOUND
      listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager}}}
    patch:
      operation: REMOVE
",
    good: "
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: lua, namespace: shop}
spec:
  configPatches:
  - applyTo: HTTP_FILTER
    match:
      context: SIDECAR_INBOUND
      listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager, subFilter: {name: envoy.filters.http.lua}}}}
    patch:
      operation: REMOVE
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in mesh.of("EnvoyFilter") {
        for Patched { spot, patch } in patches(item) {
            if let Some(message) = wrong(&spot, &patch) {
                found.at(item, &spot, message);
            }
        }
    }
}

fn wrong(spot: &Spot<'_>, patch: &Patch) -> Option<&'static str> {
    const MANAGER: &str = "envoy.filters.network.http_connection_manager";
    let filter = filter(spot);
    let is_named = match patch.apply_to {
        ApplyTo::HttpFilter => !sub_filter(spot).is_empty(),
        ApplyTo::NetworkFilter => !filter.is_empty(),
        _ => return None,
    };
    if patch.apply_to == ApplyTo::HttpFilter && ![MANAGER, ""].contains(&filter) {
        // Old names of it are told as such.
        return (filter.starts_with("envoy.filters.") || !filter.starts_with("envoy."))
            .then_some("does nothing: HTTP filters stand in the HTTP connection manager alone");
    }
    if is_named {
        return None;
    }
    match patch.operation {
        Operation::Replace | Operation::Remove => {
            Some("does nothing, because it does not say which filter is meant")
        }
        Operation::Merge if patch.value.get("name").is_some() => {
            Some("renames every filter, because it does not say which is meant")
        }
        Operation::InsertBefore => Some(
            "puts the filter first of all, before authentication and authorization, because it does not say before which",
        ),
        _ => None,
    }
}
