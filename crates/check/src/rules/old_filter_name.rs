//! Names that no filter has any more.

use super::patched::{Patched, clause, patches};
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0208",
    severity: Severity::Warning,
    title: "an EnvoyFilter matches a name that Envoy's filters had before",
    text: "istiod compares names as they stand, and the filters it makes have those of today, \
           `envoy.filters.…`. A patch that matches `envoy.http_connection_manager` or `envoy.router` matches \
           nothing, and does nothing, without a word.",
    help: "write the name of today: `envoy.filters.network.http_connection_manager`, `envoy.filters.http.router`",
    bad: "
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: lua, namespace: shop}
spec:
  configPatches:
  - applyTo: HTTP_FILTER
    match:
      context: SIDECAR_INBOUND
      listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager, subFilter: {name: envoy.router}}}}
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
        for Patched { spot, .. } in patches(item) {
            let filter = clause(&spot);
            let network = filter.as_ref().and_then(|filter| filter.field("name"));
            let http = filter.and_then(|filter| filter.at(&["subFilter", "name"]));
            let names = [network, http].into_iter().flatten();
            for (name, text) in
                names.filter_map(|name| Some((name.clone(), name.value().as_str()?)))
            {
                if text.starts_with("envoy.") && !text.starts_with("envoy.filters.") {
                    let message = format!(
                        "matches nothing, so that the patch does nothing: no filter is called `{}` any more",
                        text.escape_debug()
                    );
                    found.at(item, &name, message);
                }
            }
        }
    }
}
