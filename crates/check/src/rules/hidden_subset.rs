//! Subsets that are defined where clients do not see it.

use super::routes::{destinations, full};
use super::{exports, services};
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use crate::source::Item;

pub(super) const RULE: Rule = Rule {
    code: "MF0243",
    severity: Severity::Warning,
    title: "the DestinationRule that defines a subset is not seen by clients",
    text: "A proxy asks three namespaces for the DestinationRule of a host, and in this order: its own, that of the \
           Service, and the root namespace; of the last two only what is exported to it. A subset that is defined \
           elsewhere, or not exported, is none for it, and requests on the route are answered with 503 (response \
           flag NC). Clients here are those of the namespace of the VirtualService.",
    help: "move the DestinationRule to the namespace of the Service or of the clients, and export it to these",
    bad: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: web}
spec:
  hosts: [reviews.shop.svc.cluster.local]
  http:
  - route: [{destination: {host: reviews.shop.svc.cluster.local, subset: v1}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec:
  host: reviews
  exportTo: ['.']
  subsets: [{name: v1, labels: {version: v1}}]
",
    good: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: web}
spec:
  hosts: [reviews.shop.svc.cluster.local]
  http:
  - route: [{destination: {host: reviews.shop.svc.cluster.local, subset: v1}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec:
  host: reviews
  exportTo: ['.', web]
  subsets: [{name: v1, labels: {version: v1}}]
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in mesh.of("VirtualService") {
        let gateways = item.spec().map(|spec| spec.texts("gateways"));
        let gateways = gateways.unwrap_or_default();
        // In which namespace a gateway runs, files do not say.
        if !gateways.is_empty() && !gateways.contains(&"mesh") {
            continue;
        }
        for destination in destinations(item) {
            let host = full(destination.text("host"), item.namespace());
            let (Some(subset), Some((_, of_host))) =
                (destination.field("subset"), services::parts(&host))
            else {
                continue;
            };
            let name = subset.value().as_str().unwrap_or_default();
            let defining = mesh.of("DestinationRule").filter(|rule| {
                let spec = rule.spec();
                spec.is_some_and(|spec| {
                    let mut subsets = spec.list("subsets").into_iter();
                    full(spec.text("host"), rule.namespace()) == host
                        && subsets.any(|subset| subset.text("name") == name)
                })
            });
            let defining: Vec<&Item<'_>> = defining.collect();
            let is_seen = |rule: &&Item<'_>| {
                let is_asked = rule.namespace() == of_host || rule.is_in_root;
                rule.namespace() == item.namespace()
                    || is_asked && exports::is_shown(rule, item.namespace())
            };
            if let Some(rule) = defining.first().filter(|_| !defining.iter().any(is_seen)) {
                let (namespace, name) = (rule.namespace(), rule.name());
                let message = format!(
                    "the DestinationRule `{}/{}` that defines it is not seen from the namespace `{}`: its requests are answered with 503",
                    namespace.escape_debug(),
                    name.escape_debug(),
                    item.namespace().escape_debug()
                );
                found.at(item, &subset, message);
            }
        }
    }
}
