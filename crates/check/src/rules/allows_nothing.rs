//! ALLOW policies that allow nothing.

use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0202",
    severity: Severity::Warning,
    title: "an ALLOW policy without rules denies all",
    text: "The action is ALLOW where none is said, and a policy without rules matches no request. Once it is \
           there, a workload that it is for answers 403 to every request that no other ALLOW policy allows. As \
           a policy for a whole namespace this is the way to deny by default; where a rule was forgotten, or \
           stands at another depth, it is an outage.",
    help: "write `rules: [{}]` to allow all, add rules, or say that it is meant: `# mesh-filters: allow MF0202`",
    bad: "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer, namespace: shop}
spec:
  selector: {matchLabels: {app: reviews}}
  action: ALLOW
",
    good: "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer, namespace: shop}
spec:
  selector: {matchLabels: {app: reviews}}
  action: ALLOW
  rules:
  - to: [{operation: {methods: [GET]}}]
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in mesh.of("AuthorizationPolicy") {
        let spec = item.spec();
        let action = spec.as_ref().map_or("", |spec| spec.text("action"));
        let rules = spec.as_ref().map(|spec| spec.list("rules"));
        if ["", "ALLOW"].contains(&action) && rules.is_none_or(|rules| rules.is_empty()) {
            let message =
                "allows nothing: every request is denied that no other ALLOW policy allows";
            found.at_path(item, &item.path("spec"), message);
        }
    }
}
