//! Hosts that no gateway serves.

use istio::validation::matches;

use super::gateways;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use crate::source::Item;

pub(super) const RULE: Rule = Rule {
    code: "MF0216",
    severity: Severity::Warning,
    title: "a host of a VirtualService is served by none of its gateways",
    text: "A gateway listens for the hosts of its servers, and a VirtualService takes effect on it for the \
           hosts that both have. A host that the gateway lacks is answered with 404. Where the gateway is in \
           none of the files this is not looked at.",
    help: "add the host to a server of the gateway, or leave it out here",
    bad: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [shop.example]
  gateways: [edge]
  http:
  - route: [{destination: {host: reviews}}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: ['*.other.example']}
",
    good: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [shop.example]
  gateways: [edge]
  http:
  - route: [{destination: {host: reviews}}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: ['*.example']}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in mesh.of("VirtualService") {
        let Some(spec) = item.spec() else {
            continue;
        };
        let gateways = spec.texts("gateways");
        // In the mesh itself every host is served, and gateways that are not here may serve any.
        let known: Option<Vec<&Item<'_>>> = gateways
            .iter()
            .map(|name| gateways::named(mesh, item, name))
            .collect();
        let Some(known) = known.filter(|known| !known.is_empty()) else {
            continue;
        };
        let served = known.iter().flat_map(|gateway| {
            let servers = gateway.spec().map(|spec| spec.list("servers"));
            let servers = servers.unwrap_or_default().into_iter();
            servers.flat_map(|server| server.texts("hosts"))
        });
        let served: Vec<&str> = served.collect();
        for host in spec.list("hosts") {
            let name = host.value().as_str().unwrap_or_default();
            if !served
                .iter()
                .any(|served| matches(gateways::bare(served), name))
            {
                let shown = name.escape_debug();
                let message = format!(
                    "none of its gateways serves `{shown}`: requests for it are answered with 404"
                );
                found.at(item, &host, message);
            }
        }
    }
}
