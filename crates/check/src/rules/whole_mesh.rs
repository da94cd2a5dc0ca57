//! EnvoyFilters for the whole mesh.

use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use crate::select::{has_targets, labels};

pub(super) const RULE: Rule = Rule {
    code: "MF0219",
    severity: Severity::Warning,
    title: "an EnvoyFilter in the root namespace is for every proxy of the mesh",
    text: "Without a `workloadSelector` an EnvoyFilter is for all proxies of its namespace, and one in the root \
           namespace (`istio-system`, where MeshConfig says no other) for all there are, as far as `context` \
           lets it. An error in it is in all of them at once.",
    help: "add `workloadSelector` or `targetRefs`, put it into the namespace it is for, or say that it is meant: `# mesh-filters: allow MF0219`",
    bad: "
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: lua, namespace: istio-system}
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
    good: "
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: lua, namespace: istio-system}
spec:
  workloadSelector: {labels: {istio: ingressgateway}}
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
        let is_for_all = item.is_in_root && labels(item).is_empty() && !has_targets(item);
        if is_for_all {
            let message = "selects no workloads: it is for every proxy of the mesh";
            found.at_path(item, &item.path("spec"), message);
        }
    }
}
