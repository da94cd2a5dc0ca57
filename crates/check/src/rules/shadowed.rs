//! Rules that another makes idle.

use super::enforced::enforced;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0220",
    severity: Severity::Warning,
    title: "a rule changes nothing, because another matches all that it does",
    text: "Of the rules of one action any is enough. Where another of them, in a policy for the same workloads \
           or more, matches every request that this one matches, this one may as well not be there. That a rule \
           of several policies repeats another is told only where it is sure from their values. Of more than 500 rules none is held against the others.",
    help: "remove the rule, or narrow the other one",
    bad: "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer, namespace: shop}
spec:
  action: ALLOW
  rules:
  - to: [{operation: {methods: [GET]}}]
  - to: [{operation: {methods: [GET], paths: [/orders]}}]
",
    good: "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer, namespace: shop}
spec:
  action: ALLOW
  rules:
  - to: [{operation: {methods: [GET]}}]
  - to: [{operation: {methods: [POST], paths: [/orders]}}]
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    let all = enforced(mesh);
    for (place, rule) in all.iter().enumerate() {
        let mut others = all.iter().enumerate();
        let wider = others.find(|(other_place, other)| {
            // Of two that are the same, the later is idle.
            let is_other = *other_place < place || *other_place > place && !other.is_within(rule);
            is_other && rule.action == other.action && rule.is_within(other)
        });
        if let Some((_, wider)) = wider {
            let message = format!(
                "changes nothing: {} matches every request that this does",
                wider.shown(rule)
            );
            found.at(rule.item, &rule.spot, message);
        }
    }
}
