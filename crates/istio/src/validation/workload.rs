//! WorkloadEntry, which an endpoint of a ServiceEntry is too, and WorkloadGroup.

use super::{Told, address, names, numbers, probe, selector};
use crate::spot::Spot;

/// Checks an entry. `ports` are the names of its service's, where it has one; `names` says whether its
/// address may be a name.
pub(super) fn entry(entry: &Spot<'_>, ports: Option<&[&str]>, may_be_name: bool, told: &Told) {
    let text = entry.text("address");
    match entry.field("address").filter(|_| !text.is_empty()) {
        None if entry.text("network").is_empty() => {
            told.at(
                entry.path_of("address"),
                "is missing; only with a `network` it may be left out",
            );
            return;
        }
        None => told.warn(
            entry,
            "has a network and no address: it is reached through a gateway of that network",
        ),
        Some(spot) => match address::unix(text) {
            Some(path) => {
                told.result(&spot, address::socket(path));
                if let Some(ports) = entry
                    .field("ports")
                    .filter(|ports| !ports.fields().is_empty())
                {
                    told.error(&ports, "a socket has no ports");
                }
                if ports.is_some_and(|ports| ports.len() != 1) {
                    told.error(&spot, "a socket is for a service of one port");
                }
            }
            None if address::is_ip(text) => {}
            None if !may_be_name => {
                told.error(
                    &spot,
                    format!(
                        "`{}` is no IP address, which resolution STATIC wants",
                        text.escape_debug()
                    ),
                );
            }
            None if names::full(text).is_err() => {
                told.error(
                    &spot,
                    format!(
                        "`{}` is neither an IP address nor a host",
                        text.escape_debug()
                    ),
                );
            }
            None => {}
        },
    }
    self::ports(entry, ports, told);
    selector::labels(entry.field("labels"), told);
}

/// Checks the ports of an entry against those of its service.
pub(super) fn ports(entry: &Spot<'_>, known: Option<&[&str]>, told: &Told) {
    for (name, port) in entry.field("ports").iter().flat_map(Spot::fields) {
        if known.is_some_and(|known| !known.contains(&name)) {
            told.error(
                &port,
                format!("the service has no port `{}`", name.escape_debug()),
            );
        }
        if !names::is_label(name) {
            told.error(&port, port_name(name));
        }
        numbers::port_here(&port, told);
    }
}

/// That a name of a port is none.
pub(super) fn port_name(name: &str) -> String {
    format!(
        "`{}` is no name of a port: letters, digits and dashes inside, at most 63 of them",
        name.escape_debug()
    )
}

pub(super) fn group(spec: &Spot<'_>, told: &Told) {
    if spec.field("template").is_none() {
        told.at(spec.path_of("template"), "is missing");
        return;
    }
    selector::labels(spec.at(&["metadata", "labels"]), told);
    if let Some(probe) = spec.field("probe") {
        probe::check(&probe, told);
    }
}
