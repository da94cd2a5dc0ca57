//! EnvoyFilters that are refused.

use istio::{EnvoyFilter, Error};

use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0107",
    severity: Severity::Error,
    title: "an EnvoyFilter is refused",
    text: "istiod's webhook or the API server refuses the object, and no proxy changes. Whether Envoy takes what its patches \
           hold is not asked here, but for the configurations of our own filters.",
    help: "mend the field; until then the object cannot be applied",
    bad: "
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: clusters}
spec:
  configPatches:
  - applyTo: CLUSTER
    patch: {operation: ADD}
",
    good: "
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: clusters}
spec:
  configPatches:
  - applyTo: CLUSTER
    match: {context: SIDECAR_OUTBOUND}
    patch: {operation: ADD, value: {name: limits, type: STRICT_DNS, connect_timeout: 1s}}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in mesh.of("EnvoyFilter") {
        let Some(object) = item.alone() else {
            continue;
        };
        match EnvoyFilter::try_from(&object) {
            Ok(_) => {}
            Err(Error::Resource { at, problem, .. }) => {
                found.at_path(item, &item.path(&at), problem);
            }
            Err(error) => {
                let named = [item.namespace(), "/", item.name(), ": "].concat();
                let text = error.to_string();
                let problem = text.strip_prefix(&named).unwrap_or(&text);
                found.at_path(item, &item.path(""), problem);
            }
        }
    }
}
