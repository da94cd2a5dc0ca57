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

impl MetadataWire {
    /// Reads what stands under `metadata`, null or not.
    pub(super) fn of(node: Node<'_>) -> Self {
        Option::<MetadataWire>::read(node).unwrap_or_default()
    }

    /// The value of an annotation.
    pub(super) fn annotation(&mut self, name: &str) -> Option<String> {
        let annotations = self.annotations.iter_mut().flatten();
        let mut named = annotations.filter(|(known, _)| known == name);
        named.next().map(|(_, text)| std::mem::take(text))
    }
}
