//! Services and workloads among the files, by which it is known what a host is.

use std::collections::BTreeSet;

use crate::mesh::Mesh;
use crate::source::Item;
use crate::spot::Spot;

/// What a Service of Kubernetes is called in the mesh, where the domain is not another.
const DOMAIN: &str = ".svc.cluster.local";

/// The Services of Kubernetes.
pub(super) fn all<'a, 'b>(mesh: &'b Mesh<'a>) -> impl Iterator<Item = &'b Item<'a>> + 'b {
    let items = mesh.items.iter();
    items.filter(|item| item.kind() == "Service" && item.group().is_empty())
}

/// The name and namespace of a Service that a complete host names; the name may be `*`.
pub(super) fn parts(host: &str) -> Option<(&str, &str)> {
    let (name, namespace) = host.strip_suffix(DOMAIN)?.split_once('.')?;
    (!namespace.contains('.')).then_some((name, namespace))
}

/// The Service that a complete host names.
pub(super) fn named<'a, 'b>(mesh: &'b Mesh<'a>, host: &str) -> Option<&'b Item<'a>> {
    let (name, namespace) = parts(host)?;
    all(mesh).find(|service| service.name() == name && service.namespace() == namespace)
}

/// The hosts of ServiceEntries.
pub(super) fn entries<'a>(mesh: &Mesh<'a>) -> BTreeSet<&'a str> {
    let entries = mesh.of("ServiceEntry").filter_map(Item::spec);
    entries.flat_map(|spec| spec.texts("hosts")).collect()
}

/// The labels of the workloads of a namespace: those of Pods, and of what makes them.
pub(super) fn workloads<'a>(mesh: &Mesh<'a>, namespace: &str) -> Vec<Spot<'a>> {
    let own = mesh
        .items
        .iter()
        .filter(|item| item.namespace() == namespace);
    let labels = own.filter_map(|item| match item.kind() {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => {
            item.root.at(&["spec", "template", "metadata", "labels"])
        }
        "Pod" => item.root.at(&["metadata", "labels"]),
        "WorkloadEntry" => item.root.at(&["spec", "labels"]),
        "WorkloadGroup" => item.root.at(&["spec", "metadata", "labels"]),
        _ => None,
    });
    labels.collect()
}

/// Whether labels have all that are wanted.
pub(super) fn has_all(labels: &Spot<'_>, wanted: &Spot<'_>) -> bool {
    let wanted = wanted.value().as_object().into_iter().flatten();
    wanted
        .into_iter()
        .all(|(name, value)| labels.value().get(name) == Some(value))
}

/// Whether labels have all that are wanted, but for those that Istio and Kubernetes give to what runs: where it
/// does, and by which proxy.
pub(super) fn has_own(labels: &Spot<'_>, wanted: &Spot<'_>) -> bool {
    let is_given = |name: &str| {
        let domain = name.split_once('/').map_or("", |(domain, _)| domain);
        ["istio.io", "kubernetes.io", "k8s.io"]
            .iter()
            .any(|end| domain.ends_with(end))
    };
    let wanted = wanted.value().as_object().into_iter().flatten();
    let mut own = wanted.filter(|(name, _)| !is_given(name));
    own.all(|(name, value)| labels.value().get(name) == Some(value))
}
