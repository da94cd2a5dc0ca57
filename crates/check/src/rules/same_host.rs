//! Hosts whose routes in the mesh stand in two objects.

use std::collections::BTreeMap;

use super::exports;
use super::routes::full;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use crate::source::Item;

pub(super) const RULE: Rule = Rule {
    code: "MF0242",
    severity: Severity::Warning,
    title: "two VirtualServices have routes of one host in the mesh",
    text: "At a gateway istiod puts the routes of a host together that stand in several VirtualServices. For the \
           proxies of the mesh it does not: they take the routes of one object, and those of the other are asked \
           for nothing. Which one that is files do not say.",
    help: "put the routes into one VirtualService, or `delegate` a part of them",
    bad: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews]
  http:
  - route: [{destination: {host: reviews}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews-timeout, namespace: shop}
spec:
  hosts: [reviews.shop.svc.cluster.local]
  http:
  - {timeout: 5s, route: [{destination: {host: reviews}}]}
",
    good: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews]
  http:
  - {timeout: 5s, route: [{destination: {host: reviews}}]}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    let mut known: BTreeMap<String, Vec<&Item<'_>>> = BTreeMap::new();
    for item in mesh.of("VirtualService") {
        let Some(spec) = item.spec() else {
            continue;
        };
        let gateways = spec.texts("gateways");
        if !gateways.is_empty() && !gateways.contains(&"mesh") {
            continue;
        }
        for host in spec.list("hosts") {
            let name = full(host.value().as_str().unwrap_or_default(), item.namespace());
            let others = known.entry(name).or_default();
            let is_another = |other: &&&Item<'_>| {
                other.name() != item.name() || other.namespace() != item.namespace()
            };
            let mut meeting = others.iter().filter(is_another);
            if let Some(other) = meeting.find(|other| exports::meet(other, item)) {
                let (namespace, name) = (other.namespace(), other.name());
                let (namespace, name) = (namespace.escape_debug(), name.escape_debug());
                let message = format!(
                    "`{namespace}/{name}` has routes of this host in the mesh too: proxies take those of one of the two objects, and none of the other"
                );
                found.at(item, &host, message);
            }
            others.push(item);
        }
    }
}
