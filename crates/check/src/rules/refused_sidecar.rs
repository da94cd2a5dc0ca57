//! Sidecars that are refused.

use super::validated;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0115",
    severity: Severity::Error,
    title: "a Sidecar is refused",
    text: "istiod's webhook or the API server refuses the object: proxies know all hosts as before, and what was to be left out of them is not.",
    help: "mend the field; until then the object cannot be applied",
    bad: "
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default, namespace: shop}
spec:
  egress:
  - hosts: [istio-system]
",
    good: "
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default, namespace: shop}
spec:
  egress:
  - hosts: ['./*', 'istio-system/*']
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    validated::refusals(mesh, "Sidecar", found);
}
