//! Servers of gateways that exclude each other.

use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use crate::source::Item;
use crate::spot::Spot;

pub(super) const RULE: Rule = Rule {
    code: "MF0233",
    severity: Severity::Warning,
    title: "two servers want the same port of a gateway, and one of them is skipped",
    text: "All Gateways that select a workload are put together. Two of their servers may share a port where both \
           are HTTP in plain text, or where both have TLS and no host is the same. Otherwise istiod skips the one \
           that comes later (the later one in an object, the younger of two objects), and says so in its own log \
           alone.",
    help: "serve the host in one place, or on another port",
    bad: "
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: shop, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 443, name: https, protocol: HTTPS}, hosts: [shop.example], tls: {mode: SIMPLE, credentialName: shop}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: web}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 443, name: https, protocol: HTTPS}, hosts: [shop.example], tls: {mode: SIMPLE, credentialName: web}}
",
    good: "
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: shop, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 443, name: https, protocol: HTTPS}, hosts: [shop.example], tls: {mode: SIMPLE, credentialName: shop}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: web}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 443, name: https, protocol: HTTPS}, hosts: [web.example], tls: {mode: SIMPLE, credentialName: web}}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    let mut before: Vec<(&Item<'_>, Spot<'_>)> = Vec::new();
    for item in mesh.of("Gateway") {
        for server in item
            .spec()
            .map(|spec| spec.list("servers"))
            .unwrap_or_default()
        {
            let clash = before.iter().find_map(|(other, earlier)| {
                let is_other = other.name() != item.name() || other.namespace() != item.namespace();
                let is_same_file = std::ptr::eq(*other, item);
                let may_clash = (is_other || is_same_file) && selector(other) == selector(item);
                let why = clash((other, earlier), (item, &server)).filter(|_| may_clash)?;
                Some((*other, is_same_file, why))
            });
            if let Some((other, is_same, why)) = clash {
                let (namespace, name) = (
                    other.namespace().escape_debug(),
                    other.name().escape_debug(),
                );
                let message = match is_same {
                    true => format!("{why} a server before it: this one is skipped"),
                    false => format!(
                        "{why} a server of the Gateway `{namespace}/{name}`: the younger of the two is skipped"
                    ),
                };
                found.at(item, &server, message);
            }
            before.push((item, server));
        }
    }
}

fn selector<'a>(item: &Item<'a>) -> Option<&'a serde_json::Value> {
    Some(item.spec()?.field("selector")?.value())
}

/// Why two servers cannot both be.
fn clash(one: (&Item<'_>, &Spot<'_>), other: (&Item<'_>, &Spot<'_>)) -> Option<String> {
    let (mine, yours) = (one.1.field("port")?, other.1.field("port")?);
    let number = mine.number("number")?;
    if yours.number("number") != Some(number) || one.1.text("bind") != other.1.text("bind") {
        return None;
    }
    let protocol = |port: &Spot<'_>| port.text("protocol").to_ascii_uppercase();
    let (mine, yours) = (protocol(&mine), protocol(&yours));
    let has_tls = |protocol: &str| ["HTTPS", "TLS"].contains(&protocol);
    let is_http = |protocol: &str| ["HTTP", "HTTP2", "GRPC", "GRPC-WEB"].contains(&protocol);
    let both = |is: &dyn Fn(&str) -> bool| is(&mine) && is(&yours);
    if !both(&has_tls) && !both(&is_http) {
        return Some(format!("port {number} is {yours} here, and {mine} at"));
    }
    let is_said = |server: &Spot<'_>| server.field("tls").is_some();
    if !(is_said(one.1) && is_said(other.1)) {
        return None;
    }
    let hosts = |(item, server): (&Item<'_>, &Spot<'_>)| -> Vec<String> {
        let of = |host: &str| match host.strip_prefix("./") {
            Some(host) => format!("{}/{host}", item.namespace()),
            None => host.to_owned(),
        };
        server.texts("hosts").into_iter().map(of).collect()
    };
    let known = hosts(one);
    let same = hosts(other).into_iter().find(|host| known.contains(host))?;
    Some(format!(
        "port {number} has `{}` already, at",
        same.escape_debug()
    ))
}
