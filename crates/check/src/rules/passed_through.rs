//! Routes of a kind that a gateway has no use for.

use istio::validation::matches;

use super::gateways;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use crate::source::Item;
use crate::spot::Spot;

pub(super) const RULE: Rule = Rule {
    code: "MF0244",
    severity: Severity::Warning,
    title: "routes are of another kind than what the gateway sees",
    text: "Where a server passes TLS through it sees the name that a client asks for and no request: routes of \
           `tls` decide, and those of `http` are never asked. Where it ends TLS, or has none, it sees requests, \
           and routes of `tls` are never asked. Either way nothing leads on, and connections are reset or \
           requests answered with 404.",
    help: "write the routes below the other kind, or change the `tls.mode` of the server",
    bad: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: shop}
spec:
  hosts: [shop.example]
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
  - {port: {number: 443, name: tls, protocol: TLS}, hosts: [shop.example], tls: {mode: PASSTHROUGH}}
",
    good: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: shop}
spec:
  hosts: [shop.example]
  gateways: [edge]
  tls:
  - match: [{sniHosts: [shop.example]}]
    route: [{destination: {host: shop}}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 443, name: tls, protocol: TLS}, hosts: [shop.example], tls: {mode: PASSTHROUGH}}
",
    find,
};

/// What a server sees of what is sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sees {
    Requests,
    Names,
    Bytes,
}

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in mesh.of("VirtualService") {
        let Some(spec) = item.spec() else {
            continue;
        };
        let gateways = gateways::of(mesh, item);
        // One that is not here, and the mesh itself, may see something else.
        if gateways.is_empty() || gateways.len() != spec.texts("gateways").len() {
            continue;
        }
        let hosts = spec.texts("hosts");
        let seen = seen(&gateways, &hosts);
        for (kind, sees, others) in [
            (
                "http",
                Sees::Requests,
                "`http` are never asked: the gateway does not open TLS",
            ),
            (
                "tls",
                Sees::Names,
                "`tls` are never asked: the gateway ends TLS, or has none",
            ),
        ] {
            let routes = spec.field(kind).filter(|_| !spec.list(kind).is_empty());
            if let Some(routes) = routes.filter(|_| !seen.is_empty() && !seen.contains(&sees)) {
                let servers = "of all servers of its gateways that serve these hosts";
                found.at(item, &routes, format!("routes of {others}, {servers}"));
            }
        }
    }
}

/// What those servers see that serve one of the hosts.
fn seen(gateways: &[&Item<'_>], hosts: &[&str]) -> Vec<Sees> {
    let servers = gateways
        .iter()
        .flat_map(|gateway| gateways::servers(gateway));
    let serving = servers.filter(|server| {
        let mut served = server.texts("hosts").into_iter().map(gateways::bare);
        served.any(|served| hosts.iter().any(|host| matches(served, host)))
    });
    serving.map(|server| sees(&server)).collect()
}

fn sees(server: &Spot<'_>) -> Sees {
    let protocol = server
        .field("port")
        .map_or("", |port| port.text("protocol"));
    let tls = server.field("tls");
    let mode = tls.as_ref().map_or("", |tls| tls.text("mode"));
    let passes = ["", "PASSTHROUGH", "AUTO_PASSTHROUGH"].contains(&mode);
    match protocol.to_ascii_uppercase().as_str() {
        "HTTPS" | "TLS" if passes => Sees::Names,
        "HTTPS" | "HTTP" | "HTTP2" | "GRPC" | "GRPC-WEB" => Sees::Requests,
        _ => Sees::Bytes,
    }
}
