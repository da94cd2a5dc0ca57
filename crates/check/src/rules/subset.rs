//! Subsets that nothing defines.

use super::routes::{destinations, full};
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0214",
    severity: Severity::Warning,
    title: "a route leads to a subset that no DestinationRule defines",
    text: "A subset is a name that a DestinationRule of that host gives to some of its workloads. Without it \
           istiod makes no cluster for the route, and requests on it are answered with 503 (response flag NC). \
           Where the files have no DestinationRule of the host at all this is a note: it may be elsewhere.",
    help: "add the subset to the DestinationRule of the host",
    bad: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews]
  http:
  - route: [{destination: {host: reviews, subset: v2}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec:
  host: reviews.shop.svc.cluster.local
  subsets: [{name: v1, labels: {version: v1}}]
",
    good: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews]
  http:
  - route: [{destination: {host: reviews, subset: v1}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec:
  host: reviews.shop.svc.cluster.local
  subsets: [{name: v1, labels: {version: v1}}]
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in mesh.of("VirtualService") {
        for destination in destinations(item) {
            let Some(subset) = destination.field("subset") else {
                continue;
            };
            let host = full(destination.text("host"), item.namespace());
            let of_host = mesh.of("DestinationRule").filter(|rule| {
                let spec = rule.spec();
                spec.is_some_and(|spec| full(spec.text("host"), rule.namespace()) == host)
            });
            let subsets = of_host.map(|rule| {
                let subsets = rule.spec().map(|spec| spec.list("subsets"));
                let subsets = subsets.unwrap_or_default();
                let names: Vec<&str> = subsets.iter().map(|subset| subset.text("name")).collect();
                names
            });
            let subsets: Vec<Vec<&str>> = subsets.collect();
            let name = subset.value().as_str().unwrap_or_default();
            if subsets.is_empty() {
                let message = "no DestinationRule among the files is for this host: where there is none, requests are answered with 503";
                found.note(item, &subset, message);
            } else if !subsets.iter().flatten().any(|known| *known == name) {
                let name = name.escape_debug();
                let message = format!(
                    "no DestinationRule of this host has a subset `{name}`: requests are answered with 503"
                );
                found.at(item, &subset, message);
            }
        }
    }
}
