//! ServiceEntrys that are refused.

use super::validated;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0113",
    severity: Severity::Error,
    title: "a ServiceEntry is refused",
    text: "istiod's webhook or the API server refuses the object: the mesh does not know the host, and what is sent to it goes where the policy for unknown traffic says.",
    help: "mend the field; until then the object cannot be applied",
    bad: "
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: bank, namespace: shop}
spec:
  hosts: [api.bank.example]
  ports: [{number: 443, name: https, protocol: HTTPS}]
  endpoints: [{address: 192.0.2.7}]
",
    good: "
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: bank, namespace: shop}
spec:
  hosts: [api.bank.example]
  ports: [{number: 443, name: https, protocol: HTTPS}]
  resolution: STATIC
  endpoints: [{address: 192.0.2.7}]
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    validated::refusals(mesh, "ServiceEntry", found);
}
