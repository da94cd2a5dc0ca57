//! Hosts that there is no Service for.

use sdk_helpers::config::nearest;

use super::routes::{destinations, full};
use super::services;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use crate::source::Item;
use crate::spot::Spot;

pub(super) const RULE: Rule = Rule {
    code: "MF0237",
    severity: Severity::Warning,
    title: "no Service is called like the host",
    text: "A route to a host that the mesh does not know is answered with 503 (response flag NC), and a \
           DestinationRule of one does nothing. A name without dots is completed with the object's own namespace, \
           not that of the Service; `NAME.NAMESPACE` is completed with nothing and no host of the mesh at all. \
           Where a Service among the files is called nearly so this is a warning. Where there are other Services \
           of that namespace it is a note: this one may be elsewhere. Where there are none nothing is said.",
    help: "write the whole name, `NAME.NAMESPACE.svc.cluster.local`",
    bad: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: web}
spec:
  hosts: [reviews.shop.svc.cluster.local]
  http:
  - route: [{destination: {host: reviews.shop}}]
---
apiVersion: v1
kind: Service
metadata: {name: reviews, namespace: shop}
spec: {selector: {app: reviews}, ports: [{name: http, port: 80}]}
",
    good: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: web}
spec:
  hosts: [reviews.shop.svc.cluster.local]
  http:
  - route: [{destination: {host: reviews.shop.svc.cluster.local}}]
---
apiVersion: v1
kind: Service
metadata: {name: reviews, namespace: shop}
spec: {selector: {app: reviews}, ports: [{name: http, port: 80}]}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    let entries = services::entries(mesh);
    let is_entry = |host: &str| {
        entries
            .iter()
            .any(|entry| istio::validation::is_subset(host, entry))
    };
    for item in mesh.of("VirtualService") {
        let routes = item
            .spec()
            .map(|spec| spec.list("http"))
            .unwrap_or_default();
        let mirrors = routes.iter().flat_map(|route| {
            let many = route.list("mirrors").into_iter();
            let many = many.filter_map(|mirror| mirror.field("destination"));
            route.field("mirror").into_iter().chain(many)
        });
        for destination in destinations(item).into_iter().chain(mirrors) {
            if let Some(host) = destination
                .field("host")
                .filter(|_| !is_entry(&full(destination.text("host"), item.namespace())))
            {
                tell(mesh, item, &host, "requests are answered with 503", found);
            }
        }
    }
    for item in mesh.of("DestinationRule") {
        let host = item.spec().and_then(|spec| spec.field("host"));
        let text =
            |host: &Spot<'_>| full(host.value().as_str().unwrap_or_default(), item.namespace());
        if let Some(host) = host.filter(|host| !is_entry(&text(host))) {
            tell(mesh, item, &host, "this does nothing", found);
        }
    }
}

fn tell(mesh: &Mesh<'_>, item: &Item<'_>, spot: &Spot<'_>, then: &str, found: &mut Found<'_>) {
    let written = spot.value().as_str().unwrap_or_default();
    let shown = written.escape_debug();
    let host = full(written, item.namespace());
    // `reviews.shop`, and with `.svc` behind it: what resolvers of names complete, and istiod does not.
    let halves = written.strip_suffix(".svc").unwrap_or(written);
    if let Some((name, namespace)) = halves.split_once('.')
        && services::all(mesh).any(|it| it.name() == name && it.namespace() == namespace)
    {
        let message = format!(
            "`{shown}` is no host of the mesh, and nothing completes it: {then}; write `{halves}.svc.cluster.local`"
        );
        found.at(item, spot, message);
        return;
    }
    let Some((name, namespace)) = services::parts(&host).filter(|(name, _)| !name.contains('*'))
    else {
        return;
    };
    let known: Vec<&str> = services::all(mesh)
        .filter(|it| it.namespace() == namespace)
        .map(Item::name)
        .collect();
    if known.is_empty() && !written.contains('.') {
        elsewhere(mesh, item, spot, then, found);
    }
    if known.is_empty() || known.contains(&name) {
        return;
    }
    let space = namespace.escape_debug();
    match nearest(name, &known) {
        Some(meant) => {
            let message = format!(
                "the namespace `{space}` has no Service `{shown}`: {then}; did you mean `{meant}`?"
            );
            found.at(item, spot, message);
        }
        None => {
            let message = format!(
                "no Service among those of the namespace `{space}` is called so: if there is none elsewhere, {then}"
            );
            found.note(item, spot, message);
        }
    }
}

/// A short name that is one of another namespace: the Service stands in the files, and the object beside it
/// does not.
fn elsewhere(mesh: &Mesh<'_>, item: &Item<'_>, spot: &Spot<'_>, then: &str, found: &mut Found<'_>) {
    let name = spot.value().as_str().unwrap_or_default();
    let mut others = services::all(mesh).filter(|service| service.name() == name);
    if let (Some(one), None) = (others.next(), others.next()) {
        let (own, of) = (
            item.namespace().escape_debug(),
            one.namespace().escape_debug(),
        );
        let message = format!(
            "is completed with the namespace of this object, `{own}`, and the Service `{name}` among the files is in `{of}`: if there is none in `{own}`, {then}"
        );
        found.note(item, spot, message);
    }
}
