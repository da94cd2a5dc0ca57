//! Overrides that override nothing.

use super::resource;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0206",
    severity: Severity::Warning,
    title: "an override sets a tag to what it already is",
    text: "The value is the one that Istio's metrics have there anyway. Nothing changes; what was wanted is \
           another tag, or another value.",
    help: "remove the override, or set another value",
    bad: "
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: metrics, namespace: istio-system}
spec:
  metrics:
  - overrides:
    - match: {metric: REQUEST_COUNT}
      tagOverrides: {response_code: {operation: UPSERT, value: response.code}}
",
    good: "
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: metrics, namespace: istio-system}
spec:
  metrics:
  - overrides:
    - match: {metric: REQUEST_COUNT}
      tagOverrides: {response_code: {operation: UPSERT, value: response.code_details}}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in mesh.of("Telemetry") {
        for warning in resource::of(mesh, item).warnings {
            let problem = &warning.error.problem;
            let is_same = problem.starts_with("changes nothing: `");
            if is_same && problem.ends_with(" already") {
                found.problem(item, warning);
            }
        }
    }
}
