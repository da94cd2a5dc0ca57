//! VirtualServices that are refused.

use istio::validation;

use super::resource;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0105",
    severity: Severity::Error,
    title: "a VirtualService is refused",
    text: "istiod's webhook or the API server refuses the object, by the schema of its kind or by Istio's validation, \
           and routes stay as they were. What it says of faults is read by the filter that injects them.",
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
    for item in mesh.of("VirtualService") {
        let said = resource::of(mesh, item).errors.into_iter();
        // The filter has names and fields of its own; what it says of a fault is what istiod says.
        let of_faults: Vec<_> = said.filter(|it| it.error.at.contains(".fault")).collect();
        let mut others = validation::refusals(&item.root);
        others.retain(|other| !of_faults.iter().any(|it| it.error.at == other.error.at));
        for problem in of_faults.into_iter().chain(others) {
            found.problem(item, problem);
        }
    }
}
