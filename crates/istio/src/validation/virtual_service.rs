//! VirtualService: hosts, gateways, and routes of TLS and TCP; those of HTTP are in [`http_route`].

use super::export::Of;
use super::{Told, address, destination_rule, export, http_route, names, numbers, selector};
use crate::spot::Spot;

/// All sidecars, as a gateway.
const MESH: &str = "mesh";
/// What a gateway that passes TLS through to another network makes names of: `outbound_.80_._.shop.example`.
const OUTBOUND: &str = "outbound_";
/// Claims as headers, which only gateways route by.
const CLAIMS: [&str; 2] = ["@request.auth.claims.", "@request.auth.claims["];

/// What of a VirtualService decides about its routes.
pub(super) struct Context<'a> {
    hosts: Vec<&'a str>,
    /// Whether it is for gateways alone.
    of_gateways: bool,
    /// Whether a route of TLS says which hosts it is for.
    has_sni: bool,
}

pub(super) fn check(spec: &Spot<'_>, namespace: &str, told: &Told) {
    let gateways = spec.texts("gateways");
    let tls = spec.list("tls");
    let mut matches = tls.iter().flat_map(|route| route.list("match"));
    let context = Context {
        hosts: spec.texts("hosts"),
        of_gateways: !gateways.is_empty() && !gateways.contains(&MESH),
        has_sni: matches.any(|it| !it.list("sniHosts").is_empty()),
    };
    let is_delegate = context.hosts.is_empty();
    if is_delegate {
        for name in ["gateways", "tls", "tcp"] {
            if let Some(field) = spec.field(name).filter(|_| !spec.list(name).is_empty()) {
                told.error(&field, "a VirtualService without `hosts` is one that others delegate to, which has routes of HTTP alone");
            }
        }
    }
    gateway_names(spec, told);
    hosts(spec, &context, told);
    let http = spec.list("http");
    if !context.of_gateways {
        for entry in http.iter().flat_map(|route| route.list("match")) {
            claims(&entry, told);
        }
    }
    let (tcp, kinds) = (spec.list("tcp"), ["http", "tls", "tcp"]);
    if kinds.iter().all(|kind| spec.list(kind).is_empty()) {
        told.error(spec, "has no route: one of `http`, `tls` and `tcp`");
    }
    for route in &http {
        http_route::check(route, is_delegate, told);
    }
    for route in &tls {
        self::tls(route, &context, told);
    }
    for route in &tcp {
        for entry in route.list("match") {
            l4(&entry, told);
        }
        destinations(route, told);
    }
    export::check(spec, namespace, Of::Other, told);
}

/// Names of gateways: `edge`, `istio-system/edge`.
pub(super) fn gateway_names(of: &Spot<'_>, told: &Told) {
    for gateway in of.list("gateways") {
        let text = gateway.value().as_str().unwrap_or_default();
        let Some((namespace, name)) = text.split_once('/') else {
            told.result(&gateway, names::full(text));
            if let Some((name, rest)) = text.split_once('.') {
                let namespace = rest.split('.').next().unwrap_or_default();
                let meant = format!("{namespace}/{name}");
                told.warn(
                    &gateway,
                    format!(
                        "is the old way to name a gateway of another namespace; write `{}`",
                        meant.escape_debug()
                    ),
                );
            }
            // istiod looks no further than the first of this form.
            return;
        };
        if ![namespace, name].into_iter().all(names::is_label) {
            let text = text.escape_debug();
            told.error(
                &gateway,
                format!("`{text}` is no gateway: `NAME`, or `NAMESPACE/NAME`"),
            );
        }
    }
}

fn hosts(spec: &Spot<'_>, context: &Context<'_>, told: &Told) {
    let mut are_hosts = true;
    let hosts = spec.list("hosts");
    for host in &hosts {
        let text = host.value().as_str().unwrap_or_default();
        let result = match sni(text, context) {
            Err(_) if address::is_ip(text) => Ok(()),
            Ok(()) if text == "*" && !context.of_gateways => {
                Err("`*` is for gateways: in the mesh a VirtualService has hosts of its own; name them, or `gateways`".to_owned())
            }
            result => result,
        };
        are_hosts &= result.is_ok();
        told.result(host, result);
    }
    for (index, host) in hosts.iter().enumerate().filter(|_| are_hosts) {
        let text = host.value().as_str().unwrap_or_default();
        let mut before = context.hosts.iter().take(index);
        if let Some(other) = before.find(|other| names::matches(other, text)) {
            let (text, other) = (text.escape_debug(), other.escape_debug());
            told.error(
                host,
                format!("`{text}` and `{other}` before it have names in common"),
            );
        }
    }
}

/// A host, or at a gateway what stands for one in the name of another network's service.
fn sni(text: &str, context: &Context<'_>) -> Result<(), String> {
    if !(context.of_gateways && context.has_sni && text.starts_with(OUTBOUND)) {
        return names::wildcard(text);
    }
    let parts: Vec<&str> = text.split('_').collect();
    let has = |index: usize, what: fn(char) -> bool| {
        parts.get(index).is_some_and(|part| part.contains(what))
    };
    match has(1, |it| it.is_ascii_digit()) && has(3, |it| it.is_ascii_alphabetic()) {
        true => Ok(()),
        false => Err(format!(
            "`{}` is not of the form `outbound_.PORT_._.HOST`",
            text.escape_debug()
        )),
    }
}

fn claims(entry: &Spot<'_>, told: &Told) {
    for list in ["headers", "withoutHeaders"] {
        for (name, spot) in entry.field(list).iter().flat_map(Spot::fields) {
            if CLAIMS
                .iter()
                .any(|start| name.to_ascii_lowercase().starts_with(start))
            {
                told.error(&spot, "claims of tokens decide about routes at a gateway alone: name its `gateways`, without `mesh`");
            }
        }
    }
}

fn tls(route: &Spot<'_>, context: &Context<'_>, told: &Told) {
    let entries = route.list("match");
    if entries.is_empty() {
        told.at(
            route.path_of("match"),
            "is missing: a route of TLS is told by its `sniHosts`",
        );
    }
    for entry in &entries {
        let names = entry.list("sniHosts");
        if names.is_empty() {
            told.at(entry.path_of("sniHosts"), "is missing");
        }
        for name in &names {
            let text = name.value().as_str().unwrap_or_default();
            match sni(text, context) {
                Err(_) if address::is_ip(text) => {
                    told.warn(name, "is an address: clients send the name of a host, and mostly nothing for an address");
                }
                Err(problem) => told.error(name, problem),
                Ok(())
                    if !context
                        .hosts
                        .iter()
                        .any(|host| names::is_subset(text, host)) =>
                {
                    told.error(
                        name,
                        format!(
                            "`{}` is none of `hosts`, nor within one",
                            text.escape_debug()
                        ),
                    );
                }
                Ok(()) => {}
            }
        }
        l4(entry, told);
    }
    destinations(route, told);
}

/// What routes of TLS and TCP are told by.
fn l4(entry: &Spot<'_>, told: &Told) {
    for subnet in entry.list("destinationSubnets") {
        told.result(
            &subnet,
            address::block(subnet.value().as_str().unwrap_or_default()),
        );
    }
    if let Some(port) = entry.field("port").filter(|port| port.value() != 0) {
        numbers::port_here(&port, told);
    }
    selector::labels(entry.field("sourceLabels"), told);
    gateway_names(entry, told);
}

fn destinations(route: &Spot<'_>, told: &Told) {
    let all = route.list("route");
    if all.is_empty() {
        told.at(route.path_of("route"), "is missing: where does it lead?");
    }
    weighted(&all, told);
}

/// Destinations with shares.
pub(super) fn weighted(all: &[Spot<'_>], told: &Told) {
    for one in all {
        match one.field("destination") {
            Some(destination) => self::destination(&destination, told),
            None => told.at(one.path_of("destination"), "is missing"),
        }
        numbers::not_negative(one, &["weight"], told);
    }
    let total: i64 = all
        .iter()
        .filter_map(|one| one.number("weight"))
        .fold(0, i64::saturating_add);
    if let Some(first) = all.first().filter(|_| all.len() > 1 && total == 0) {
        told.at(
            first.path_of("weight"),
            "is missing: of more than one destination each has a `weight`",
        );
    }
}

/// A host, and what of it.
pub(super) fn destination(destination: &Spot<'_>, told: &Told) {
    let host = destination.text("host");
    let result = match host {
        "*" => Err("`*` is no host that anything could be sent to".to_owned()),
        host => names::wildcard(host),
    };
    if let Err(problem) = result {
        told.at(destination.path_of("host"), problem);
    }
    if !destination.text("subset").is_empty() {
        destination_rule::subset_name(destination, "subset", told);
    }
    if let Some(port) = destination.field("port") {
        match port.field("number") {
            Some(number) => numbers::port_here(&number, told),
            None => told.at(port.path_of("number"), "is missing"),
        }
    }
}
