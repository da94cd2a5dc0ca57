//! Subsets that no workload is in.

use super::routes::full;
use super::services;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0236",
    severity: Severity::Warning,
    title: "no workload has the labels of a subset",
    text: "A subset is those workloads of a Service that have its labels. The files have the Service and workloads \
           that it selects, and none of them has these labels: a route to the subset is answered with 503 \
           (response flag UH). Labels of Istio and Kubernetes, such as the zone, are given to workloads where they \
           run, and are not looked at.",
    help: "write the labels that the workloads have, or deploy those that are missing",
    bad: "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec:
  host: reviews
  subsets: [{name: v2, labels: {version: v2}}]
---
apiVersion: v1
kind: Service
metadata: {name: reviews, namespace: shop}
spec: {selector: {app: reviews}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: reviews-v1, namespace: shop}
spec: {template: {metadata: {labels: {app: reviews, version: v1}}}}
",
    good: "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec:
  host: reviews
  subsets: [{name: v1, labels: {version: v1}}]
---
apiVersion: v1
kind: Service
metadata: {name: reviews, namespace: shop}
spec: {selector: {app: reviews}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: reviews-v1, namespace: shop}
spec: {template: {metadata: {labels: {app: reviews, version: v1}}}}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in mesh.of("DestinationRule") {
        let Some(spec) = item.spec() else {
            continue;
        };
        let host = full(spec.text("host"), item.namespace());
        let service = services::named(mesh, &host);
        let selector =
            service.and_then(|service| Some((service, service.spec()?.field("selector")?)));
        let Some((service, selector)) = selector else {
            continue;
        };
        let workloads = services::workloads(mesh, service.namespace());
        let selected = workloads
            .iter()
            .filter(|labels| services::has_all(labels, &selector));
        let selected: Vec<_> = selected.collect();
        for subset in spec.list("subsets") {
            let Some(labels) = subset.field("labels") else {
                continue;
            };
            let is_in = selected.iter().any(|has| services::has_own(has, &labels));
            if !selected.is_empty() && !is_in {
                let message = format!(
                    "none of the workloads among the files that Service `{}` selects has these labels: routes to the subset are answered with 503",
                    service.name().escape_debug()
                );
                found.at(item, &labels, message);
            }
        }
    }
}
