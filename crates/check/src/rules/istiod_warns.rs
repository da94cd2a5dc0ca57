//! What istiod's webhook takes with a warning.

use istio::validation::{KINDS, validate};

use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0117",
    severity: Severity::Warning,
    title: "istiod takes an object with a warning",
    text: "The object is applied, and `kubectl apply` prints a warning of istiod's: a field is deprecated, passed \
           over, or without effect. Whoever applies it by other means never sees that.",
    help: "write what is meant, or leave the field out",
    bad: "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec:
  host: reviews
  trafficPolicy:
    outlierDetection: {consecutiveErrors: 5}
",
    good: "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec:
  host: reviews
  trafficPolicy:
    outlierDetection: {consecutive5xxErrors: 5}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for (kind, ..) in KINDS {
        for item in mesh.of(kind) {
            let said = validate(&item.root);
            // Of what is refused, errors alone are worth reading.
            if said.errors.is_empty() {
                for warning in said.warnings {
                    found.at_path(item, &warning.at, warning.problem);
                }
            }
        }
    }
}
