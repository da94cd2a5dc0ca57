//! Hosts that a Gateway serves, with routes that are not for gateways.

use istio::validation::is_subset;

use super::gateways;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use crate::source::Item;

pub(super) const RULE: Rule = Rule {
    code: "MF0240",
    severity: Severity::Warning,
    title: "routes of a host that a Gateway serves are not for it",
    text: "Without `gateways` a VirtualService is for the mesh: for what its own workloads send, and for nothing \
           that comes in from outside. A Gateway among the files serves the host, and no VirtualService says \
           where that leads: its requests are answered with 404.",
    help: "name the Gateway in `gateways`, with `mesh` beside it if the mesh is meant too",
    bad: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: shop}
spec:
  hosts: [shop.example.com]
  http:
  - route: [{destination: {host: shop}}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example.com]}
",
    good: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: shop}
spec:
  hosts: [shop.example.com]
  gateways: [edge]
  http:
  - route: [{destination: {host: shop}}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example.com]}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in mesh.of("VirtualService") {
        let Some(spec) = item.spec() else {
            continue;
        };
        let is_of_mesh = spec.texts("gateways").iter().all(|name| *name == "mesh");
        for host in spec.list("hosts").into_iter().filter(|_| is_of_mesh) {
            let name = host.value().as_str().unwrap_or_default();
            // Hosts of the mesh are served by gateways of another network, and those need no routes.
            if !name.contains('.') || name.ends_with(".local") || name.contains('*') {
                continue;
            }
            let mut gateways = mesh.of("Gateway");
            let serving = gateways.find(|gateway| serves(gateway, name));
            let Some(gateway) = serving.filter(|gateway| !has_routes(mesh, gateway, name)) else {
                continue;
            };
            let message = format!(
                "the Gateway `{}/{}` serves this host, and no VirtualService leads on from there: what comes in is answered with 404",
                gateway.namespace().escape_debug(),
                gateway.name().escape_debug()
            );
            found.at(item, &host, message);
        }
    }
}

/// Whether a Gateway names the host itself. One that serves every host may serve this one by chance.
fn serves(gateway: &Item<'_>, host: &str) -> bool {
    gateways::servers(gateway).iter().any(|server| {
        let mut hosts = server.texts("hosts").into_iter().map(gateways::bare);
        hosts.any(|served| served != "*" && is_subset(host, served))
    })
}

fn has_routes(mesh: &Mesh<'_>, gateway: &Item<'_>, host: &str) -> bool {
    let mut all = mesh.of("VirtualService");
    all.any(|item| {
        let hosts = item
            .spec()
            .map(|spec| spec.texts("hosts"))
            .unwrap_or_default();
        gateways::of(mesh, item)
            .iter()
            .any(|other| std::ptr::eq(*other, gateway))
            && hosts.iter().any(|wide| is_subset(host, wide))
    })
}
