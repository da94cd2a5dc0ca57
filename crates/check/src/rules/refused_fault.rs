//! VirtualServices that are refused.

use super::resource;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0105",
    severity: Severity::Error,
    title: "a VirtualService's fault is refused",
    text: "istiod's webhook or the API server refuses the object for its faults or for what they are matched by, and the route stays as it was. Of a VirtualService only that part is checked here.",
    help: "mend the field; until then the object cannot be applied",
    bad: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
  - fault: {abort: {httpStatus: 99, percentage: {value: 10}}}
    route: [{destination: {host: reviews}}]
",
    good: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
  - fault: {abort: {httpStatus: 503, percentage: {value: 10}}}
    route: [{destination: {host: reviews}}]
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    resource::refusals(mesh, "VirtualService", found);
}
