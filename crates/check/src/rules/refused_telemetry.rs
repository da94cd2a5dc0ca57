//! Telemetrys that are refused.

use super::resource;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0106",
    severity: Severity::Error,
    title: "a Telemetry is refused",
    text: "istiod's webhook or the API server refuses the object, and metrics, traces and logs stay as they were.",
    help: "mend the field; until then the object cannot be applied",
    bad: "
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: metrics}
spec:
  metrics:
  - overrides:
    - tagOverrides: {route: {operation: UPSERT}}
",
    good: "
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: metrics}
spec:
  metrics:
  - overrides:
    - tagOverrides: {route: {operation: UPSERT, value: xds.route_name}}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    resource::refusals(mesh, "Telemetry", found);
}
