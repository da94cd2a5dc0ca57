//! RequestAuthentications that are refused.

use super::resource;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0104",
    severity: Severity::Error,
    title: "a RequestAuthentication is refused",
    text: "istiod's webhook or the API server refuses the object, or Envoy its keys. Nothing of it is applied: tokens are not looked at, and rules that ask for claims match nothing.",
    help: "mend the field; until then the object cannot be applied",
    bad: "
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: issuer}
spec:
  jwtRules:
  - issuer: https://issuer.example
    audiences: ['']
",
    good: "
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: issuer}
spec:
  jwtRules:
  - issuer: https://issuer.example
    audiences: [shop]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: tokens}
spec:
  action: DENY
  rules:
  - from: [{source: {notRequestPrincipals: ['*']}}]
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    resource::refusals(mesh, "RequestAuthentication", found);
}
