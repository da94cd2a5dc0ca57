//! Routes that are left to a VirtualService which cannot take them.

use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use crate::source::Item;

use super::exports;
use super::routes::http;

pub(super) const RULE: Rule = Rule {
    code: "MF0239",
    severity: Severity::Warning,
    title: "a route is delegated to a VirtualService that takes none",
    text: "The VirtualService that `delegate` names has no `hosts`, stands in the namespace that is named (that of \
           the object itself where none is), and is exported to the namespace of the one that delegates. Where it \
           is not so istiod leaves the route out: its requests go on to the next one, or are answered with 404. \
           Where the files do not have the object this is a note.",
    help: "take `hosts` and `gateways` out of the delegate, and export it to this namespace",
    bad: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: edge, namespace: web}
spec:
  hosts: [shop.example]
  gateways: [web/edge]
  http:
  - match: [{uri: {prefix: /reviews}}]
    delegate: {name: reviews, namespace: shop}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews]
  http:
  - route: [{destination: {host: reviews}}]
",
    good: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: edge, namespace: web}
spec:
  hosts: [shop.example]
  gateways: [web/edge]
  http:
  - match: [{uri: {prefix: /reviews}}]
    delegate: {name: reviews, namespace: shop}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  http:
  - route: [{destination: {host: reviews}}]
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in mesh.of("VirtualService") {
        for delegate in http(item)
            .iter()
            .filter_map(|route| route.field("delegate"))
        {
            let name = delegate.text("name");
            let namespace = match delegate.text("namespace") {
                "" => item.namespace(),
                namespace => namespace,
            };
            let mut all = mesh.of("VirtualService");
            let named = all.find(|other| other.name() == name && other.namespace() == namespace);
            let shown = format!("{}/{}", namespace.escape_debug(), name.escape_debug());
            match named.map(|other| refusal(other, item.namespace())) {
                Some(Some(why)) => {
                    let message = format!("`{shown}` {why}: the route is left out");
                    found.at(item, &delegate, message);
                }
                Some(None) => {}
                None => {
                    let message = format!(
                        "no VirtualService `{shown}` is among the files: if there is none, the route is left out"
                    );
                    found.note(item, &delegate, message);
                }
            }
        }
    }
}

/// Why an object takes no routes of one in a namespace.
fn refusal(delegate: &Item<'_>, namespace: &str) -> Option<&'static str> {
    let spec = delegate.spec()?;
    if !spec.texts("hosts").is_empty() {
        return Some("has `hosts`, and so is none that others delegate to");
    }
    let is_shown = exports::is_shown(delegate, namespace);
    (!is_shown).then_some("is not exported to the namespace of this object")
}
