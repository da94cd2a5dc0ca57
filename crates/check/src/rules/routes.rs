//! The routes of a VirtualService.

use crate::source::Item;
use crate::spot::Spot;

/// The entries of `http`.
pub(super) fn http<'a>(item: &Item<'a>) -> Vec<Spot<'a>> {
    let http = item.spec().map(|spec| spec.list("http"));
    http.unwrap_or_default()
}

/// Where all of its routes lead.
pub(super) fn destinations<'a>(item: &Item<'a>) -> Vec<Spot<'a>> {
    let Some(spec) = item.spec() else {
        return Vec::new();
    };
    let entries = ["http", "tls", "tcp"]
        .into_iter()
        .flat_map(|kind| spec.list(kind));
    let routes = entries.flat_map(|entry| entry.list("route"));
    routes
        .filter_map(|route| route.field("destination"))
        .collect()
}

/// A host with its namespace and domain, which a short name has of its object.
pub(super) fn full(host: &str, namespace: &str) -> String {
    match host.contains('.') {
        true => host.to_owned(),
        false => format!("{host}.{namespace}.svc.cluster.local"),
    }
}
