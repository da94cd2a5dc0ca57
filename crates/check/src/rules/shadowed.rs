//! Rules that another makes idle.

use super::enforced::All;
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
           of several policies repeats another is told only where it is sure from their values. \
           Where there are so many that are so alike that it would take long, a note says that not all were compared.",
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
    let all = All::of(mesh);
    let (covered, is_whole) = all.covered(|_| true, |wide, rule| wide.action == rule.action);
    for (rule, wider) in covered {
        let message = format!(
            "changes nothing: {} matches every request that this does",
            wider.shown(rule)
        );
        found.at(rule.item, &rule.spot, message);
    }
    if let Some(first) = all.rules.first().filter(|_| !is_whole) {
        let message = format!(
            "not all of the {} rules were held against each other: they are too alike",
            all.rules.len()
        );
        found.note(first.item, &first.spot, message);
    }
}
