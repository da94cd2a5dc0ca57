//! Filters behind the router.

use super::patched::{Patched, patches, sub_filter};
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use istio::{ApplyTo, Operation};

pub(super) const RULE: Rule = Rule {
    code: "MF0207",
    severity: Severity::Warning,
    title: "an EnvoyFilter puts a filter behind the router",
    text: "The router ends the chain of HTTP filters: what stands behind it sees no request. Envoy refuses such \
           a chain whose terminal filter is not the last, and keeps the listener as it was. `ADD`, and \
           `INSERT_AFTER` without `subFilter`, put a filter at the end.",
    help: "use `INSERT_BEFORE` with `subFilter: {name: envoy.filters.http.router}`",
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
      operation: ADD
      value:
        name: lua
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
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
      listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager, subFilter: {name: envoy.filters.http.router}}}}
    patch:
      operation: INSERT_BEFORE
      value:
        name: lua
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in mesh.of("EnvoyFilter") {
        for Patched { spot, patch } in patches(item) {
            if patch.apply_to != ApplyTo::HttpFilter {
                continue;
            }
            let behind = sub_filter(&spot);
            let is_behind = match patch.operation {
                Operation::Add => true,
                Operation::InsertAfter => {
                    behind.is_empty() || behind == "envoy.filters.http.router"
                }
                _ => false,
            };
            if is_behind {
                let message = "puts the filter behind the router, where no request comes: Envoy refuses the listener";
                let operation = spot.at(&["patch", "operation"]);
                found.at(item, operation.as_ref().unwrap_or(&spot), message);
            }
        }
    }
}
