//! What Kubernetes writes about an object.

use super::super::reader::Node;

/// Every field of ObjectMeta, those of old clusters among them, and then those of ListMeta. What
/// is read comes first.
const FIELDS: [&str; 19] = [
    "name",
    "namespace",
    "annotations",
    "labels",
    "generateName",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "ownerReferences",
    "finalizers",
    "managedFields",
    "initializers",
    "clusterName",
    "continue",
    "remainingItemCount",
];

/// What a filter may read of it.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    pub(super) name: Option<String>,
    pub(super) namespace: Option<String>,
    /// The value of the annotation that was asked for.
    pub(super) annotation: Option<String>,
}

/// Reads it. What Kubernetes alone writes is let be, whatever it is.
pub(super) fn read(node: Node<'_>, annotation: Option<&str>) -> Metadata {
    let mut metadata = Metadata::default();
    if node.is_null() {
        return metadata;
    }
    node.fields(&FIELDS, &mut |place, node| match place {
        0 => metadata.name = Some(node.text()),
        1 => metadata.namespace = Some(node.text()),
        2 => node.entries(&mut |name, node| {
            let text = node.text();
            if Some(name) == annotation {
                metadata.annotation = Some(text);
            }
        }),
        _ => {}
    });
    metadata
}
