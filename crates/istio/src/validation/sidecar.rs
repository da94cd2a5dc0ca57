//! Sidecar.

use std::collections::{BTreeMap, BTreeSet};

use super::protocol::{self, Protocol};
use super::virtual_service::destination;
use super::{Told, address, gateway, names, numbers, pool, selector, tls, workload};
use crate::spot::Spot;

/// What a Sidecar is for; one without any of it is refused.
const PARTS: [&str; 4] = [
    "egress",
    "ingress",
    "outboundTrafficPolicy",
    "inboundConnectionPool",
];
/// Where a workload may be sent what comes in: itself.
const OWN: [&str; 5] = ["", "127.0.0.1", "0.0.0.0", "::1", "::"];
/// Of TLS, what only a Gateway can do.
const OF_A_GATEWAY: [&str; 5] = [
    "subjectAltNames",
    "httpsRedirect",
    "credentialName",
    "credentialNames",
    "tlsCertificates",
];

pub(super) fn check(spec: &Spot<'_>, namespace: &str, told: &Told) {
    selector::check(spec.field("workloadSelector"), "labels", told);
    let says = |name: &&str| match spec.field(name) {
        Some(part) => !part.value().is_array() || !part.elements().is_empty(),
        None => false,
    };
    if !PARTS.iter().any(says) {
        told.error(spec, "says nothing: one of `egress`, `ingress`, `outboundTrafficPolicy` and `inboundConnectionPool`");
        return;
    }
    ingress(&spec.list("ingress"), told);
    if let Some(pool) = spec.field("inboundConnectionPool") {
        pool::check(&pool, told);
    }
    egress(&spec.list("egress"), namespace, told);
    if let Some(policy) = spec.field("outboundTrafficPolicy") {
        outbound(&policy, told);
    }
}

fn ingress(listeners: &[Spot<'_>], told: &Told) {
    let mut seen = BTreeSet::new();
    for listener in listeners {
        let Some(port) = listener.field("port") else {
            told.at(listener.path_of("port"), "is missing");
            continue;
        };
        self::port(&port, told);
        match port.field("number") {
            Some(number) => numbers::port_here(&number, told),
            None => told.at(port.path_of("number"), "is missing"),
        }
        bind(listener, told);
        if !seen.insert(port.number("number")) {
            told.error(&port, "another listener has this port too");
        }
        if let Some(endpoint) = listener.field("defaultEndpoint") {
            default_endpoint(&endpoint, told);
        }
        let protocol = Protocol::of(port.text("protocol"));
        if let Some(tls) = listener.field("tls") {
            self::tls(&tls, protocol, told);
        }
        if let Some(pool) = listener.field("connectionPool") {
            pool::check(&pool, told);
            let http = pool
                .field("http")
                .filter(|_| !protocol.is_some_and(Protocol::is_http));
            if let Some(http) = http {
                told.warn(&http, "is passed over: the port's protocol is not HTTP");
            }
        }
    }
}

fn tls(tls: &Spot<'_>, protocol: Option<Protocol>, told: &Told) {
    for field in OF_A_GATEWAY.iter().filter_map(|name| tls.field(name)) {
        let is_said = match field.value() {
            serde_json::Value::Array(items) => !items.is_empty(),
            value => value != "" && value != false,
        };
        if is_said {
            told.error(&field, "a Sidecar cannot do this; only a Gateway can");
        }
    }
    let mode = tls.text("mode");
    if ["ISTIO_MUTUAL", "AUTO_PASSTHROUGH"].contains(&mode) {
        told.at(tls.path_of("mode"), format!("{mode} is no mode of a Sidecar's; what the mesh does is for PeerAuthentication to say"));
    }
    if !protocol.is_some_and(Protocol::is_tls) {
        told.error(tls, "is for ports of HTTPS and TLS");
    }
    tls::server(tls, told);
}

/// `127.0.0.1:8080`, `[::1]:8080`, `:8080`, or a socket.
fn default_endpoint(spot: &Spot<'_>, told: &Told) {
    let text = spot.value().as_str().unwrap_or_default();
    if text.is_empty() {
        return;
    }
    if let Some(path) = address::unix(text) {
        told.result(spot, address::socket(path));
        return;
    }
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_own = OWN.contains(&bare.unwrap_or(host)) && bare.is_some() == host.contains(':');
    if !is_own || !port.parse().is_ok_and(numbers::is_port) {
        let text = text.escape_debug();
        told.error(
            spot,
            format!(
                "`{text}` is none of `127.0.0.1:PORT`, `[::1]:PORT`, `:PORT`, and `unix://PATH`"
            ),
        );
    }
}

/// What a port of a listener says but for its number.
fn port(port: &Spot<'_>, told: &Told) {
    if let Some(target) = port
        .field("targetPort")
        .filter(|target| target.value() != 0)
    {
        told.error(&target, "a Sidecar has none; leave it out");
    }
    let name = port.text("name");
    if !name.is_empty() && !names::is_label(name) {
        told.at(port.path_of("name"), workload::port_name(name));
    }
    let protocol = port.text("protocol");
    if let Err(problem) = protocol::known_or_empty(protocol) {
        told.at(port.path_of("protocol"), problem);
    }
}

fn bind(listener: &Spot<'_>, told: &Told) {
    let bind = listener.text("bind");
    if let Some(spot) = listener.field("bind").filter(|_| !bind.is_empty()) {
        told.result(&spot, address::ip(bind));
    }
}

fn egress(listeners: &[Spot<'_>], namespace: &str, told: &Told) {
    let (mut ports, mut sockets) = (BTreeSet::new(), BTreeSet::new());
    for (index, listener) in listeners.iter().enumerate() {
        if let Some(port) = listener.field("port") {
            self::port(&port, told);
            let number = port.number("number").unwrap_or_default();
            let is_new = match number {
                0 => {
                    socket(listener, told);
                    sockets.insert(listener.text("bind"))
                }
                number => {
                    numbers::port(&port, "number", told);
                    bind(listener, told);
                    ports.insert(number)
                }
            };
            if !is_new && number != 0 {
                told.error(&port, "another listener has this port too");
            } else if !is_new {
                told.at(
                    listener.path_of("bind"),
                    "another listener has this socket too",
                );
            }
        } else if index + 1 != listeners.len() {
            told.error(
                listener,
                "has no port, which is all others, and so stands last",
            );
        }
        let hosts = listener.list("hosts");
        if hosts.is_empty() {
            told.at(
                listener.path_of("hosts"),
                "is missing: what may be sent to?",
            );
        }
        for host in &hosts {
            gateway::host(host, false, told);
        }
        twice(&hosts, namespace, told);
    }
}

/// A listener of a socket.
fn socket(listener: &Spot<'_>, told: &Told) {
    let bind = listener.text("bind");
    match address::unix(bind) {
        Some(path) => {
            if let Err(problem) = address::socket(path) {
                told.at(listener.path_of("bind"), problem);
            }
        }
        None => told.at(
            listener.path_of("port"),
            "has no number; without one `bind` is a socket, `unix://PATH`",
        ),
    }
    let mode = listener.text("captureMode");
    if mode == "IPTABLES" {
        told.at(
            listener.path_of("captureMode"),
            "nothing that is captured goes to a socket; write NONE or leave it out",
        );
    }
}

/// Warns of hosts that others have in them.
fn twice(hosts: &[Spot<'_>], namespace: &str, told: &Told) {
    let mut seen: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for host in hosts {
        let text = host.value().as_str().unwrap_or_default();
        let Some((of, name)) = text.split_once('/').filter(|(of, _)| !of.starts_with('~')) else {
            continue;
        };
        let names = seen
            .entry(if of == "." { namespace } else { of })
            .or_default();
        let is_known = match name {
            "*" => !names.is_empty(),
            name => names.contains(name) || names.contains("*"),
        };
        if is_known {
            told.warn(
                host,
                format!(
                    "`{}` and another one here have hosts in common",
                    text.escape_debug()
                ),
            );
        }
        names.insert(name);
    }
    let is_all = seen.get("*").is_some_and(|names| names.contains("*"));
    if let Some(all) = hosts
        .iter()
        .find(|host| host.value() == "*/*")
        .filter(|_| is_all && seen.len() > 1)
    {
        told.warn(all, "`*/*` is every host: what else is here adds none");
    }
}

fn outbound(policy: &Spot<'_>, told: &Told) {
    let mode = policy.text("mode");
    if mode == "ALLOW_ANY_DYNAMIC_DNS" {
        told.at(policy.path_of("mode"), "is a mode of the MeshConfig alone");
        return;
    }
    let Some(proxy) = policy.field("egressProxy") else {
        return;
    };
    if mode != "ALLOW_ANY" {
        told.error(
            &proxy,
            "is for mode ALLOW_ANY, where there is something to send on",
        );
        return;
    }
    if let Err(problem) = names::full(proxy.text("host")) {
        told.at(proxy.path_of("host"), problem);
    }
    if proxy.field("port").is_none() {
        told.at(proxy.path_of("port"), "is missing");
        return;
    }
    destination(&proxy, told);
}
