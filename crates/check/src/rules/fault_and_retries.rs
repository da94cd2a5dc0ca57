//! Retries beside a fault.

use super::routes::http;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0217",
    severity: Severity::Warning,
    title: "retries and timeouts beside a fault do not see it",
    text: "Envoy aborts and delays before its router: a request that is aborted was never sent, so that nothing \
           is tried again, and a delay is over before the time of the route begins. A test of retries by such a \
           fault tests nothing.",
    help: "inject the fault at the other end, in the proxy of the server, or leave the field out of this route",
    bad: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews]
  http:
  - fault: {abort: {httpStatus: 503, percentage: {value: 50}}}
    retries: {attempts: 3}
    route: [{destination: {host: reviews}}]
",
    good: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews]
  http:
  - retries: {attempts: 3}
    route: [{destination: {host: reviews}}]
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in mesh.of("VirtualService") {
        for entry in http(item) {
            let has = |fault: &str| entry.at(&["fault", fault]).is_some();
            let attempts = entry.at(&["retries", "attempts"]);
            let is_off = attempts.is_some_and(|it| it.value().as_u64() == Some(0));
            if let Some(retries) = entry.field("retries").filter(|_| has("abort") && !is_off) {
                let message = "nothing is tried again of what the fault beside it aborts";
                found.at(item, &retries, message);
            }
            if let Some(timeout) = entry.field("timeout").filter(|_| has("delay")) {
                let message = "the delay of the fault beside it does not count: the time begins when that is over";
                found.at(item, &timeout, message);
            }
        }
    }
}
