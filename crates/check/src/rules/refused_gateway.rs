//! Gateways that are refused.

use super::validated;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0112",
    severity: Severity::Error,
    title: "a Gateway is refused",
    text: "istiod's webhook or the API server refuses the object: no proxy opens the port, or it serves what it served before.",
    help: "mend the field; until then the object cannot be applied",
    bad: "
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: [shop.example]
    tls: {mode: SIMPLE}
",
    good: "
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: [shop.example]
    tls: {mode: SIMPLE, credentialName: shop-certificate}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    validated::refusals(mesh, "Gateway", found);
}
