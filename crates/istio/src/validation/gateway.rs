//! Gateway.

use std::collections::BTreeSet;

use super::protocol::{self, Protocol};
use super::{Told, address, names, numbers, tls};
use crate::spot::Spot;

pub(super) fn check(object: &Spot<'_>, spec: &Spot<'_>, told: &Told) {
    let name = object.at(&["metadata", "name"]);
    if let Some(name) =
        name.filter(|name| !names::is_label(name.value().as_str().unwrap_or_default()))
    {
        told.error(&name, "is no name of a Gateway: letters, digits and dashes inside, no dots, at most 63 of them");
    }
    let servers = spec.list("servers");
    if servers.is_empty() {
        told.at(
            spec.path_of("servers"),
            "is missing: a Gateway serves something",
        );
    }
    let mut seen = BTreeSet::new();
    for server in &servers {
        self::server(server, told);
        let Some(port) = server.field("port") else {
            continue;
        };
        if !seen.insert(port.text("name")) {
            let name = port.text("name").escape_debug();
            told.at(
                port.path_of("name"),
                format!("another port is called `{name}` too"),
            );
        }
        let is_http = Protocol::of(port.text("protocol")).is_some_and(Protocol::is_http);
        if let Some(redirect) = server
            .at(&["tls", "httpsRedirect"])
            .filter(|it| it.value() == true && !is_http)
        {
            told.warn(
                &redirect,
                "redirects nothing: only a server of HTTP has requests in plain text to redirect",
            );
        }
    }
}

fn server(server: &Spot<'_>, told: &Told) {
    let hosts = server.list("hosts");
    if hosts.is_empty() {
        told.at(
            server.path_of("hosts"),
            "is missing: a server has at least one host",
        );
    }
    for host in &hosts {
        self::host(host, true, told);
    }
    let bind = server.text("bind");
    let socket = address::unix(bind);
    if let Some(spot) = server.field("bind").filter(|_| !bind.is_empty()) {
        told.result(
            &spot,
            socket.map_or_else(|| address::ip(bind), address::socket),
        );
    }
    let tls = server.field("tls");
    if let Some(tls) = &tls {
        tls::server(tls, told);
    }
    let Some(port) = server.field("port") else {
        told.at(server.path_of("port"), "is missing");
        return;
    };
    let number = port.number("number").unwrap_or_default();
    match port.field("number") {
        Some(spot) if socket.is_some() && number != 0 => {
            told.error(&spot, "a socket has no number")
        }
        Some(spot) if socket.is_none() => numbers::port_here(&spot, told),
        None if socket.is_none() => told.at(port.path_of("number"), "is missing"),
        _ => {}
    }
    if let Some(target) = port
        .field("targetPort")
        .filter(|target| target.value() != 0)
    {
        told.error(&target, "a Gateway has none; leave it out");
    }
    if port.text("name").is_empty() {
        told.at(port.path_of("name"), "is missing");
    }
    let text = port.text("protocol");
    match Protocol::of(text) {
        Some(protocol) => fits(protocol, server, tls.as_ref(), told),
        None => told.at(port.path_of("protocol"), protocol::refused(text)),
    }
}

/// Whether what is said of TLS is of this protocol.
fn fits(protocol: Protocol, server: &Spot<'_>, tls: Option<&Spot<'_>>, told: &Told) {
    let files = ["caCertificates", "privateKey", "serverCertificate"];
    match tls {
        None if protocol.is_tls() => {
            told.at(
                server.path_of("tls"),
                "is missing: a server of HTTPS or TLS says how TLS is done",
            );
        }
        Some(tls) if !protocol.is_tls() => {
            let is_redirect = ["", "PASSTHROUGH", "AUTO_PASSTHROUGH"].contains(&tls.text("mode"))
                && files.iter().all(|name| tls.text(name).is_empty());
            if !protocol.is_http() {
                told.error(tls, "is for ports of HTTPS and TLS");
            } else if !is_redirect {
                told.error(tls, "is for ports of HTTPS and TLS: one of HTTP has `httpsRedirect` alone; write `protocol: HTTPS`");
            }
        }
        _ => {}
    }
}

/// A host of a Gateway or of a Sidecar: `NAMESPACE/HOST`, which a Gateway may leave the first half of.
pub(super) fn host(spot: &Spot<'_>, is_gateway: bool, told: &Told) {
    let text = spot.value().as_str().unwrap_or_default();
    if text.contains("://") {
        told.error(
            spot,
            format!(
                "`{}` is a URL: a host has neither a scheme nor a path",
                text.escape_debug()
            ),
        );
        return;
    }
    let (namespace, host) = match text.split_once('/') {
        Some((namespace, host)) => (Some(namespace), host),
        None => (None, text),
    };
    if namespace.is_none() && !is_gateway {
        told.error(
            spot,
            format!(
                "`{}` has no namespace: write `./{0}`, `*/{0}`, or `NAMESPACE/{0}`",
                text.escape_debug()
            ),
        );
        return;
    }
    if let Some(namespace) = namespace {
        // A Sidecar leaves a namespace out by a tilde before it.
        let named = match is_gateway {
            true => namespace,
            false => namespace.strip_prefix('~').unwrap_or(namespace),
        };
        let is_any =
            ["*", "."].contains(&named) || !is_gateway && named.is_empty() && namespace == "~";
        if !is_any && !names::is_label(named) {
            told.error(
                spot,
                format!(
                    "`{}` is neither `.`, nor `*`, nor the name of a namespace",
                    namespace.escape_debug()
                ),
            );
        }
    }
    if host != "*" && !host.contains('.') {
        told.error(spot, format!("`{}` is a short name; write the whole one, such as `{0}.NAMESPACE.svc.cluster.local`", host.escape_debug()));
    } else if let Err(problem) = names::wildcard(host)
        && !(is_gateway && address::is_ip(host))
    {
        told.error(spot, problem);
    } else if names::is_partial(host) {
        told.error(
            spot,
            format!(
                "`{}`: an asterisk stands for whole labels: `*` or `*.…`",
                host.escape_debug()
            ),
        );
    }
}
