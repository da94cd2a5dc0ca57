//! Listeners and everything in them, in istiod's order: an object that is added at one level is not
//! seen by the patches to the levels below.

use super::json;
use super::patches::{Patches, Running};
use super::proxy::Context;
use super::resource::{ApplyTo, Operation, PatchContext};
use super::{filters, matching, merge};
use serde_json::Value;

/// The only name under which istiod looks for HTTP filters.
const HTTP_CONNECTION_MANAGER: &str = "envoy.filters.network.http_connection_manager";
const HTTP_CONNECTION_MANAGER_TYPE: &str =
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

pub(super) fn patch(listeners: &mut Vec<Value>, patches: &Patches<'_>, context: Context) {
    listeners.retain_mut(|listener| patch_listener(listener, patches, context));
    for patch in patches.to(ApplyTo::Listener, context) {
        if patch.effective_operation() != Operation::Add {
            continue;
        }
        if patch.context == PatchContext::Any && context == Context::SidecarInbound {
            patch.missed("in context ANY it is for outbound and gateways only");
        } else if json::name(&patch.value).is_empty() {
            patch.missed("a listener without a name is dropped");
        } else {
            listeners.push(patch.value.clone());
            patch.hit();
        }
    }
}

/// False where the listener is removed.
fn patch_listener(listener: &mut Value, patches: &Patches<'_>, context: Context) -> bool {
    for patch in patches.to(ApplyTo::Listener, context) {
        if !matching::listener(patch, listener) {
            continue;
        }
        if patch.operation == Operation::Remove {
            patch.hit();
            return false;
        }
        patch.merge_into(listener);
    }
    patch_listener_filters(listener, patches, context);
    patch_filter_chains(listener, patches, context);
    true
}

fn patch_listener_filters(listener: &mut Value, patches: &Patches<'_>, context: Context) {
    for patch in patches.to(ApplyTo::ListenerFilter, context) {
        if !matching::listener(patch, listener) {
            continue;
        }
        let clause = matching::listener_filter_name(patch);
        if patch.operation != Operation::Merge {
            if let Some(filters) = json::list(listener, "listener_filters") {
                filters::edit(filters, patch, clause);
            }
            continue;
        }
        // istiod compares types here and not names, and renames nothing; the clause is only asked for.
        match clause {
            None => patch.missed("it names no filter"),
            Some(_) => {
                let filters = json::existing_list(listener, "listener_filters");
                for filter in filters.into_iter().flatten() {
                    filters::merge_configuration(filter, patch);
                }
            }
        }
    }
}

fn patch_filter_chains(listener: &mut Value, patches: &Patches<'_>, context: Context) {
    let mut chains = json::take_list(listener, "filter_chains");
    // A chain without filters is dropped, whether a patch emptied it or brought it along.
    chains.retain_mut(|chain| {
        !json::items(chain, "filters").is_empty() && patch_chain(chain, listener, patches, context)
    });
    let mut fallback = json::remove(listener, "default_filter_chain");
    if !json::items(&fallback, "filters").is_empty()
        && !patch_chain(&mut fallback, listener, patches, context)
    {
        fallback = Value::Null;
    }
    for patch in patches.to(ApplyTo::FilterChain, context) {
        if patch.effective_operation() != Operation::Add || !matching::listener(patch, listener) {
            continue;
        }
        if json::items(&patch.value, "filters").is_empty() {
            patch.missed("a filter chain without filters is dropped");
        } else {
            chains.push(patch.value.clone());
            patch.hit();
        }
    }
    json::set(listener, "filter_chains", chains);
    if !fallback.is_null() {
        json::set(listener, "default_filter_chain", fallback);
    }
}

/// False where the chain is removed.
fn patch_chain(
    chain: &mut Value,
    listener: &Value,
    patches: &Patches<'_>,
    context: Context,
) -> bool {
    for patch in patches.to(ApplyTo::FilterChain, context) {
        if !matching::listener(patch, listener) || !matching::filter_chain(patch, listener, chain) {
            continue;
        }
        if patch.operation == Operation::Remove {
            patch.hit();
            return false;
        }
        if patch.is_merge() {
            merge_chain(chain, patch);
        }
    }
    patch_network_filters(chain, listener, patches, context);
    true
}

fn merge_chain(chain: &mut Value, patch: &Running<'_>) {
    let old = json::existing_object(chain, "transport_socket");
    match (old, patch.value.get("transport_socket")) {
        (Some(old), Some(new)) if json::name(old) == json::name(new) => {
            if patch
                .value
                .as_object()
                .is_some_and(|fields| fields.len() > 1)
            {
                patch.warn("beside transport_socket its other fields are ignored");
            }
            match merge_transport_socket(old, new) {
                Ok(()) => patch.hit(),
                Err(why) => patch.missed(why),
            }
        }
        _ => patch.merge_into(chain),
    }
}

/// Merges the typed configurations of two sockets of the same name.
pub(super) fn merge_transport_socket(old: &mut Value, new: &Value) -> Result<(), String> {
    match (
        json::existing_object(old, "typed_config"),
        new.get("typed_config"),
    ) {
        (Some(old), Some(new)) => merge::any(old, new),
        _ => Err("transport_socket has no typed_config on one side".to_string()),
    }
}

fn patch_network_filters(
    chain: &mut Value,
    listener: &Value,
    patches: &Patches<'_>,
    context: Context,
) {
    let mut network_filters = json::take_list(chain, "filters");
    for patch in patches.to(ApplyTo::NetworkFilter, context) {
        if matching::listener(patch, listener) && matching::filter_chain(patch, listener, chain) {
            filters::edit(
                &mut network_filters,
                patch,
                matching::network_filter_name(patch),
            );
        }
    }
    for filter in &mut network_filters {
        for patch in patches.to(ApplyTo::NetworkFilter, context) {
            let clause = matching::network_filter_name(patch);
            if patch.operation == Operation::Merge
                && matching::listener(patch, listener)
                && matching::filter_chain(patch, listener, chain)
                && clause.is_none_or(|name| name == json::name(filter))
            {
                filters::merge(filter, patch, clause);
            }
        }
        if json::name(filter) == HTTP_CONNECTION_MANAGER {
            patch_http_filters(filter, chain, listener, patches, context);
        }
    }
    json::set(chain, "filters", network_filters);
}

fn patch_http_filters(
    manager: &mut Value,
    chain: &Value,
    listener: &Value,
    patches: &Patches<'_>,
    context: Context,
) {
    let here: Vec<_> = patches
        .to(ApplyTo::HttpFilter, context)
        .filter(|patch| {
            matching::listener(patch, listener)
                && matching::filter_chain(patch, listener, chain)
                && matching::network_filter_name(patch)
                    .is_none_or(|name| name == HTTP_CONNECTION_MANAGER)
        })
        .collect();
    let Some(http_filters) = connection_manager(manager)
        .and_then(|configuration| json::list(configuration, "http_filters"))
    else {
        return;
    };
    for patch in &here {
        filters::edit(http_filters, patch, matching::http_filter_name(patch));
    }
    for filter in http_filters {
        for patch in here
            .iter()
            .filter(|patch| patch.operation == Operation::Merge)
        {
            let clause = matching::http_filter_name(patch);
            if clause.is_none_or(|name| name == json::name(filter)) {
                filters::merge(filter, patch, clause);
            }
        }
    }
}

/// Every filter chain of a listener, the one for what no other takes among them.
pub(super) fn chains(listener: &mut Value) -> Vec<&mut Value> {
    let mut chains = Vec::new();
    for (key, value) in listener.as_object_mut().into_iter().flatten() {
        match key.as_str() {
            "filter_chains" => chains.extend(value.as_array_mut().into_iter().flatten()),
            "default_filter_chain" => chains.push(value),
            _ => {}
        }
    }
    chains
}

/// The configuration of a network filter that is an HTTP connection manager.
pub(super) fn connection_manager(filter: &mut Value) -> Option<&mut Value> {
    json::existing_object(filter, "typed_config")
        .filter(|configuration| json::type_name(configuration) == HTTP_CONNECTION_MANAGER_TYPE)
}
