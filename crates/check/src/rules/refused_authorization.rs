//! AuthorizationPolicys that are refused.

use super::resource;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0103",
    severity: Severity::Error,
    title: "an AuthorizationPolicy is refused",
    text: "istiod's webhook or the API server refuses the object, by the schema of its kind or by Istio's validation, or it would fail where it is enforced. Nothing of it is applied: what it was to deny stays open, what it was to allow stays as it was.",
    help: "mend the field; until then the object cannot be applied",
    bad: "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer}
spec:
  action: DENY
  rules:
  - from: [{source: {ipBlocks: [10.0.0]}}]
",
    good: "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer}
spec:
  action: DENY
  rules:
  - from: [{source: {ipBlocks: [10.0.0.0/8]}}]
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    resource::refusals(mesh, "AuthorizationPolicy", found);
}
