//! PeerAuthentications that are refused.

use super::validated;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0114",
    severity: Severity::Error,
    title: "a PeerAuthentication is refused",
    text: "istiod's webhook or the API server refuses the object: what was to be demanded of connections is not, and what is in plain text still comes in where it did.",
    help: "mend the field; until then the object cannot be applied",
    bad: "
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec:
  mtls: {mode: STRICT}
  portLevelMtls: {8080: {mode: DISABLE}}
",
    good: "
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: reviews, namespace: shop}
spec:
  selector: {matchLabels: {app: reviews}}
  mtls: {mode: STRICT}
  portLevelMtls: {8080: {mode: DISABLE}}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    validated::refusals(mesh, "PeerAuthentication", found);
}
