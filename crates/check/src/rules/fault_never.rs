//! Faults that never fire.

use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0201",
    severity: Severity::Warning,
    title: "a fault without a percentage never fires",
    text: "Istio takes a fault that says no `percentage`, and makes 0 % of it: no request is delayed, none is aborted. The old \
           `percent` of a delay counts where `percentage` is not there at all, and an abort has no such field.",
    help: "add `percentage: {value: 100}`, or how many of a hundred requests are meant",
    bad: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
  - fault: {delay: {fixedDelay: 5s}}
    route: [{destination: {host: reviews}}]
",
    good: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
  - fault: {delay: {fixedDelay: 5s, percentage: {value: 10}}}
    route: [{destination: {host: reviews}}]
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in mesh.of("VirtualService") {
        let routes = item.spec().map(|spec| spec.list("http"));
        for route in routes.unwrap_or_default() {
            let delay = route.at(&["fault", "delay"]);
            let delay = delay.filter(|delay| delay.field("percent").is_none());
            let abort = route.at(&["fault", "abort"]);
            for (what, fault) in [("delayed", delay), ("aborted", abort)] {
                let Some(fault) = fault.filter(|fault| fault.field("percentage").is_none()) else {
                    continue;
                };
                let message =
                    format!("has no `percentage`, which means 0 %: no request is ever {what}");
                found.at(item, &fault, message);
            }
        }
    }
}
