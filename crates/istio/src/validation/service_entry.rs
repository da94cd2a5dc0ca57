//! ServiceEntry.

use std::collections::BTreeSet;

use super::export::Of;
use super::protocol::{self, Protocol};
use super::{Told, address, export, names, numbers, selector, workload};
use crate::spot::Spot;

/// What says where a host is, which DYNAMIC_DNS asks DNS for.
const BY_ADDRESS: [&str; 2] = ["addresses", "endpoints"];
pub(super) fn check(object: &Spot<'_>, spec: &Spot<'_>, namespace: &str, told: &Told) {
    selector::check(spec.field("workloadSelector"), "labels", told);
    let endpoints = spec.list("endpoints");
    if let (Some(_), Some(endpoints)) = (spec.field("workloadSelector"), spec.field("endpoints")) {
        told.error(
            &endpoints,
            "stands beside `workloadSelector`, and only one of them may be",
        );
    }
    let resolution = match spec.text("resolution") {
        "" => "NONE",
        resolution => resolution,
    };
    hosts(spec, resolution, told);
    addresses(spec, resolution, told);
    let ports = spec.list("ports");
    self::ports(&ports, told);
    match resolution {
        "NONE" => {
            if let Some(endpoints) = spec.field("endpoints").filter(|_| !endpoints.is_empty()) {
                told.error(&endpoints, "with resolution NONE connections go where they went: there are no endpoints; write STATIC for addresses, DNS for names");
            }
            let any_address = spec.list("addresses").is_empty();
            let is_tcp = |port: &&Spot<'_>| ["", "TCP"].contains(&port.text("protocol"));
            if let Some(port) = ports.iter().find(is_tcp).filter(|_| any_address) {
                told.warn(port, "without `addresses`, and with resolution NONE, every TCP connection to this port is taken for one to this host");
            }
            if let Some(selector) = spec.field("workloadSelector") {
                told.warn(
                    &selector,
                    "with resolution NONE connections go where they went: no workload is selected",
                );
            }
        }
        "STATIC" => {
            let names: Vec<&str> = ports.iter().map(|port| port.text("name")).collect();
            for endpoint in &endpoints {
                workload::entry(endpoint, Some(&names), false, told);
            }
        }
        "DYNAMIC_DNS" => dynamic(object, spec, &ports, told),
        _ => by_name(spec, resolution, &ports, &endpoints, told),
    }
    let hosts = spec.list("hosts");
    let cannot_tell = |port: &&Spot<'_>| {
        let protocol = Protocol::of(port.text("protocol"));
        !protocol.is_some_and(|protocol| protocol.is_http() || protocol.is_tls())
    };
    if let Some(port) = ports
        .iter()
        .find(cannot_tell)
        .filter(|_| hosts.len() > 1 && resolution != "NONE")
    {
        told.error(port, "cannot tell which of the hosts is meant: only HTTP says it, and TLS; write a ServiceEntry for each host");
    }
    export::check(spec, namespace, Of::ServiceEntry, told);
}

fn hosts(spec: &Spot<'_>, resolution: &str, told: &Told) {
    let hosts = spec.list("hosts");
    if hosts.is_empty() {
        told.at(
            spec.path_of("hosts"),
            "is missing: a ServiceEntry has at least one host",
        );
    }
    for host in &hosts {
        let text = host.value().as_str().unwrap_or_default();
        if text == "*" {
            told.error(
                host,
                "`*` is every host there is: name a domain, such as `*.example.com`",
            );
            continue;
        }
        told.result(host, names::wildcard(text));
        if resolution != "DYNAMIC_DNS" && names::is_partial(text) {
            told.warn(
                host,
                format!(
                    "`{}`: an asterisk stands for whole labels: `*.…`",
                    text.escape_debug()
                ),
            );
        }
    }
}

fn addresses(spec: &Spot<'_>, resolution: &str, told: &Told) {
    for spot in spec.list("addresses") {
        let Some(text) = spot.value().as_str() else {
            continue;
        };
        told.result(&spot, address::block(text));
        if text.contains('/') && !["NONE", "STATIC"].contains(&resolution) {
            told.error(
                &spot,
                format!("a block of addresses is for resolution NONE or STATIC, not {resolution}"),
            );
        }
    }
}

fn ports(ports: &[Spot<'_>], told: &Told) {
    let (mut seen, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for port in ports {
        let name = port.text("name");
        if !seen.insert(name) {
            told.at(
                port.path_of("name"),
                format!("another port is called `{}` too", name.escape_debug()),
            );
        }
        if !names::is_label(name) {
            told.at(port.path_of("name"), workload::port_name(name));
        }
        match port.field("number") {
            Some(number) => {
                if !numbers.insert(port.number("number")) {
                    told.error(&number, "is the number of another port too");
                }
                numbers::port_here(&number, told);
            }
            None => told.at(port.path_of("number"), "is missing"),
        }
        if let Some(target) = port
            .field("targetPort")
            .filter(|target| target.value() != 0)
        {
            numbers::port_here(&target, told);
        }
        if let Some(protocol) = port.field("protocol") {
            told.result(&protocol, protocol::known_or_empty(port.text("protocol")));
        }
    }
}

fn by_name(
    spec: &Spot<'_>,
    resolution: &str,
    ports: &[Spot<'_>],
    endpoints: &[Spot<'_>],
    told: &Told,
) {
    let hosts = spec.list("hosts");
    let nameless = hosts
        .iter()
        .find(|host| names::full(host.value().as_str().unwrap_or_default()).is_err());
    if let Some(host) = nameless.filter(|_| endpoints.is_empty()) {
        told.error(host, format!("resolution {resolution} asks DNS for the host itself, which is none; name `endpoints`"));
    }
    if let Some(second) = endpoints.get(1).filter(|_| resolution == "DNS_ROUND_ROBIN") {
        told.error(
            second,
            "resolution DNS_ROUND_ROBIN has one endpoint at most",
        );
    }
    let known: Vec<&str> = ports.iter().map(|port| port.text("name")).collect();
    for endpoint in endpoints {
        let text = endpoint.text("address");
        if !address::is_ip(text) && names::full(text).is_err() {
            told.at(
                endpoint.path_of("address"),
                format!(
                    "`{}` is neither an IP address nor a host",
                    text.escape_debug()
                ),
            );
        }
        selector::labels(endpoint.field("labels"), told);
        workload::ports(endpoint, Some(&known), told);
    }
    let is_tcp = |port: &&Spot<'_>| {
        let protocol = Protocol::of(port.text("protocol"));
        protocol.is_some_and(|protocol| protocol == Protocol::Tcp || protocol.is_tls())
    };
    if let Some(port) = ports
        .iter()
        .find(is_tcp)
        .filter(|_| hosts.len() > 1 && !spec.list("addresses").is_empty())
    {
        told.warn(
            port,
            "cannot tell the hosts apart by address: they have the same ones",
        );
    }
}

fn dynamic(object: &Spot<'_>, spec: &Spot<'_>, ports: &[Spot<'_>], told: &Told) {
    for host in spec.list("hosts") {
        if !host.value().as_str().unwrap_or_default().starts_with('*') {
            told.error(
                &host,
                "resolution DYNAMIC_DNS is for hosts with an asterisk; write DNS for one host",
            );
        }
    }
    for name in BY_ADDRESS {
        if let Some(field) = spec.field(name).filter(|_| !spec.list(name).is_empty()) {
            told.error(
                &field,
                "with resolution DYNAMIC_DNS the host of each request is looked up; leave it out",
            );
        }
    }
    for port in ports {
        use Protocol::{Grpc, Http, Http2, Tls};
        let protocol = Protocol::of(port.text("protocol"));
        if !protocol.is_some_and(|protocol| [Http, Tls, Grpc, Http2].contains(&protocol)) {
            told.at(
                port.path_of("protocol"),
                "resolution DYNAMIC_DNS is for HTTP, HTTP2, GRPC and TLS, which name the host",
            );
        }
    }
    let labels = object.at(&["metadata", "labels"]);
    let waypoint = labels
        .as_ref()
        .map_or("", |labels| labels.text("istio.io/use-waypoint"));
    let has_waypoint = !waypoint.is_empty() && !waypoint.eq_ignore_ascii_case("none");
    if has_waypoint && spec.text("location") == "MESH_INTERNAL" {
        told.at(
            spec.path_of("location"),
            "a waypoint takes resolution DYNAMIC_DNS for MESH_EXTERNAL alone",
        );
    }
}
