//! What Kubernetes writes about an object.

use super::super::kind::{Anything, FieldKind, Map};
use super::super::reader::Node;

crate::fields! {
    /// Every field of ObjectMeta, those of old clusters among them, and then those of ListMeta. What
    /// Kubernetes alone writes is let be, whatever it is.
    pub(in super::super) struct MetadataWire {
        pub(super) name: String,
        pub(super) namespace: String,
        pub(super) annotations: Map<String>,
        _labels as "labels": Anything,
        _generate_name as "generateName": Anything,
        _uid as "uid": Anything,
        _resource_version as "resourceVersion": Anything,
        _generation as "generation": Anything,
        _creation_timestamp as "creationTimestamp": Anything,
        _deletion_timestamp as "deletionTimestamp": Anything,
        _deletion_grace_period_seconds as "deletionGracePeriodSeconds": Anything,
        _self_link as "selfLink": Anything,
        _owner_references as "ownerReferences": Anything,
        _finalizers as "finalizers": Anything,
        _managed_fields as "managedFields": Anything,
        _initializers as "initializers": Anything,
        _cluster_name as "clusterName": Anything,
        _continue as "continue": Anything,
        _remaining_item_count as "remainingItemCount": Anything,
    }
}

/// What a filter may read of it.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    pub(super) name: Option<String>,
    pub(super) namespace: Option<String>,
    /// The value of the annotation that was asked for.
    pub(super) annotation: Option<String>,
}

/// Reads what stands under `metadata`, null or not.
pub(super) fn read(node: Node<'_>, annotation: Option<&str>) -> Metadata {
    if node.is_null() {
        return Metadata::default();
    }
    let wire = MetadataWire::read(node);
    let mut annotations = wire.annotations.unwrap_or_default().into_iter();
    Metadata {
        name: wire.name,
        namespace: wire.namespace,
        annotation: annotations
            .find(|(name, _)| Some(name.as_str()) == annotation)
            .map(|(_, text)| text),
    }
}
