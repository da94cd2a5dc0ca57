//! DestinationRules that are refused.

use super::validated;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0111",
    severity: Severity::Error,
    title: "a DestinationRule is refused",
    text: "istiod's webhook or the API server refuses the object: connections to the host are made as before, and routes to subsets that it was to define have nowhere to lead.",
    help: "mend the field; until then the object cannot be applied",
    bad: "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec:
  host: reviews
  trafficPolicy:
    outlierDetection: {consecutive5xxErrors: 5, interval: 100us}
",
    good: "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec:
  host: reviews
  trafficPolicy:
    outlierDetection: {consecutive5xxErrors: 5, interval: 100ms}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    validated::refusals(mesh, "DestinationRule", found);
}
