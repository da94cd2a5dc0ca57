//! Clusters: patched in the context their name tells, because both halves of a sidecar share them.

use super::json;
use super::listeners::merge_transport_socket;
use super::matching;
use super::patches::{Patches, Running};
use super::proxy::{Context, Proxy};
use super::resource::{ApplyTo, Operation, PatchContext};
use serde_json::Value;

pub(super) fn patch(clusters: &mut Vec<Value>, patches: &Patches<'_>, proxy: &Proxy) {
    clusters.retain_mut(|cluster| patch_cluster(cluster, patches, proxy));
    for context in proxy.context.of_clusters() {
        for patch in patches.to(ApplyTo::Cluster, *context) {
            let inbound = *context == Context::SidecarInbound;
            if patch.effective_operation() == Operation::Add
                && !(inbound && patch.context == PatchContext::Any)
            {
                clusters.push(patch.value.clone());
                patch.hit();
            }
        }
    }
}

/// False where the cluster is removed.
fn patch_cluster(cluster: &mut Value, patches: &Patches<'_>, proxy: &Proxy) -> bool {
    let context = match proxy.context {
        Context::Gateway => Context::Gateway,
        _ if is_inbound(json::name(cluster)) => Context::SidecarInbound,
        _ => Context::SidecarOutbound,
    };
    for patch in patches.to(ApplyTo::Cluster, context) {
        if !matching::cluster(patch, cluster, &proxy.services) {
            continue;
        }
        if patch.operation == Operation::Remove {
            patch.hit();
            return false;
        }
        if patch.is_merge() {
            merge(cluster, patch);
        }
    }
    true
}

fn is_inbound(name: &str) -> bool {
    name.starts_with("inbound|")
        || name.starts_with("inbound-vip|")
        || name == "InboundPassthroughCluster"
}

fn merge(cluster: &mut Value, patch: &Running<'_>) {
    let Some(new) = patch.value.get("transport_socket") else {
        patch.merge_into(cluster);
        return;
    };
    if patch
        .value
        .as_object()
        .is_some_and(|fields| fields.len() > 1)
    {
        patch.warn("beside transport_socket its other fields are ignored");
    }
    let same_name = |socket: &Value| json::name(socket) == json::name(new);
    let matches = json::existing_list(cluster, "transport_socket_matches");
    let by_endpoint = matches.as_ref().is_some_and(|matches| !matches.is_empty());
    let old = match matches {
        Some(matches) if by_endpoint => matches
            .iter_mut()
            .filter_map(|entry| json::existing_object(entry, "transport_socket"))
            .find(|socket| same_name(socket)),
        _ => json::existing_object(cluster, "transport_socket").filter(|socket| same_name(socket)),
    };
    match old {
        Some(old) => match merge_transport_socket(old, new) {
            Ok(()) => patch.hit(),
            Err(why) => patch.missed(why),
        },
        // Both kinds of socket at once would not be a valid cluster, so the patch is dropped.
        None if by_endpoint => patch.missed("no transport_socket_matches entry has that name"),
        None => {
            json::set(cluster, "transport_socket", new.clone());
            patch.hit();
        }
    }
}
