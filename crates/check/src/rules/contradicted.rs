//! What is allowed and always denied.

use super::enforced::enforced;
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
           from the values of both. Of more than 500 rules none is held against the others.",
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
    let all = enforced(mesh);
    for rule in all.iter().filter(|rule| rule.action == "ALLOW") {
        let mut denying = all.iter().filter(|rule| rule.action == "DENY");
        if let Some(wider) = denying.find(|wider| rule.is_within(wider)) {
            let message = format!(
                "allows nothing: {} denies every request that this matches",
                wider.shown(rule)
            );
            found.at(rule.item, &rule.spot, message);
        }
    }
}
