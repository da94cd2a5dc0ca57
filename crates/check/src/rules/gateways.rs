//! Gateways, and which of them a VirtualService is for.

use crate::mesh::Mesh;
use crate::source::Item;
use crate::spot::Spot;

/// The Gateways among the files that a VirtualService names.
pub(super) fn of<'a, 'b>(mesh: &'b Mesh<'a>, item: &Item<'_>) -> Vec<&'b Item<'a>> {
    let names = item.spec().map(|spec| spec.texts("gateways"));
    let names = names.unwrap_or_default().into_iter();
    names.filter_map(|name| named(mesh, item, name)).collect()
}

/// The Gateway that a VirtualService names: `edge`, `istio-system/edge`.
pub(super) fn named<'a, 'b>(mesh: &'b Mesh<'a>, of: &Item<'_>, name: &str) -> Option<&'b Item<'a>> {
    let (namespace, name) = name.split_once('/').unwrap_or((of.namespace(), name));
    let mut all = mesh.of("Gateway");
    all.find(|gateway| gateway.namespace() == namespace && gateway.name() == name)
}

/// What a Gateway serves.
pub(super) fn servers<'a>(gateway: &Item<'a>) -> Vec<Spot<'a>> {
    gateway
        .spec()
        .map(|spec| spec.list("servers"))
        .unwrap_or_default()
}

/// A host of a Gateway without the namespace of the VirtualServices that it may have: `shop/*.example`.
pub(super) fn bare(host: &str) -> &str {
    host.split_once('/').map_or(host, |(_, host)| host)
}
