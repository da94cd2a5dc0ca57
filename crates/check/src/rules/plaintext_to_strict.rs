//! Clients and servers that do not agree about mTLS.

use super::routes::full;
use super::services;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use crate::source::Item;
use crate::spot::Spot;

pub(super) const RULE: Rule = Rule {
    code: "MF0235",
    severity: Severity::Warning,
    title: "clients do not do the mTLS that servers demand",
    text: "A DestinationRule says what clients send, and a PeerAuthentication what servers take. Where mTLS is \
           STRICT, DISABLE sends plain text and SIMPLE a handshake without the mesh's certificate: connections \
           are reset, and requests answered with 503. Where mTLS is DISABLE, ISTIO_MUTUAL sends a handshake to a \
           server that expects none. Without `tls` in the DestinationRule the mesh finds out by itself.",
    help: "leave `tls` out of the DestinationRule, or make the PeerAuthentication agree with it",
    bad: "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec:
  host: reviews
  trafficPolicy: {tls: {mode: DISABLE}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
",
    good: "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec:
  host: reviews
  trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in mesh.of("DestinationRule") {
        let Some(spec) = item.spec() else {
            continue;
        };
        let host = full(spec.text("host"), item.namespace());
        let Some((_, namespace)) = services::parts(&host) else {
            continue;
        };
        let Some(demanded) = demanded(mesh, namespace) else {
            continue;
        };
        for policy in policies(&spec) {
            let Some(mode) = policy.at(&["tls", "mode"]) else {
                continue;
            };
            let text = mode.value().as_str().unwrap_or_default();
            let message = match (text, demanded) {
                ("DISABLE" | "SIMPLE", "STRICT") => {
                    "STRICT in the namespace of the host: where its workloads have a proxy, requests are answered with 503"
                }
                ("ISTIO_MUTUAL", "DISABLE") => {
                    "DISABLE in the namespace of the host: servers expect plain text, and requests are answered with 503"
                }
                _ => continue,
            };
            found.at(
                item,
                &mode,
                format!("clients do {text}, and mTLS is {message}"),
            );
        }
    }
}

/// What is demanded of all workloads of a namespace; none where some of them are said another thing of, or the
/// files do not tell.
fn demanded<'a>(mesh: &Mesh<'a>, namespace: &str) -> Option<&'a str> {
    let own = mesh
        .of("PeerAuthentication")
        .filter(|it| it.namespace() == namespace);
    let mut own = own.peekable();
    if own.peek().is_some() {
        let own: Vec<&Item<'_>> = own.collect();
        let is_for_all = |it: &&Item<'_>| {
            it.spec()
                .is_none_or(|spec| spec.field("selector").is_none())
        };
        return match own[..] {
            [one] if is_for_all(&one) => mode(one).or_else(|| of_root(mesh)),
            _ => None,
        };
    }
    of_root(mesh)
}

fn of_root<'a>(mesh: &Mesh<'a>) -> Option<&'a str> {
    let mut all = mesh.of("PeerAuthentication").filter(|it| it.is_in_root);
    mode(all.next()?)
}

fn mode<'a>(item: &Item<'a>) -> Option<&'a str> {
    let mode = item.spec()?.field("mtls")?.text("mode");
    (!["", "UNSET"].contains(&mode)).then_some(mode)
}

/// What is said of the host, of its subsets, and of the ports of both.
fn policies<'a>(spec: &Spot<'a>) -> Vec<Spot<'a>> {
    let of_subsets = spec
        .list("subsets")
        .into_iter()
        .filter_map(|subset| subset.field("trafficPolicy"));
    let whole: Vec<Spot<'a>> = spec
        .field("trafficPolicy")
        .into_iter()
        .chain(of_subsets)
        .collect();
    let of_ports = whole
        .iter()
        .flat_map(|policy| policy.list("portLevelSettings"));
    let of_ports: Vec<Spot<'a>> = of_ports.collect();
    whole.into_iter().chain(of_ports).collect()
}
