//! What is allowed and always denied.

use super::enforced::All;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0221",
    severity: Severity::Warning,
    title: "an ALLOW rule allows nothing, because a DENY rule matches all that it does",
    text: "DENY policies go before ALLOW policies. Where a DENY rule for the same workloads or more matches \
           every request that an ALLOW rule matches, that one allows nothing. It is told only where it is sure \
           from the values of both.",
    help: "narrow the DENY rule, or remove the ALLOW rule",
    bad: "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer, namespace: shop}
spec:
  action: ALLOW
  rules:
  - to: [{operation: {paths: [/admin/orders]}}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: closed, namespace: shop}
spec:
  action: DENY
  rules:
  - to: [{operation: {paths: [/admin/*]}}]
",
    good: "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer, namespace: shop}
spec:
  action: ALLOW
  rules:
  - to: [{operation: {paths: [/admin/orders]}}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: closed, namespace: shop}
spec:
  action: DENY
  rules:
  - to: [{operation: {paths: [/admin/*], notPaths: [/admin/orders]}}]
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    let all = All::of(mesh);
    // That there were too many to be compared is told where rules of one action are.
    let (covered, _) = all.covered(
        |rule| rule.action == "ALLOW",
        |wide, _| wide.action == "DENY",
    );
    for (rule, wider) in covered {
        let message = format!(
            "allows nothing: {} denies every request that this matches",
            wider.shown(rule)
        );
        found.at(rule.item, &rule.spot, message);
    }
}
