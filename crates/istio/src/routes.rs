//! Route configurations and everything in them. Istio sends most of them apart from the listeners;
//! here they are inline, so they are found through the connection managers.

use super::json;
use super::listeners::{chains, connection_manager};
use super::matching;
use super::patches::{Patches, Running};
use super::proxy::Proxy;
use super::resource::{ApplyTo, Operation};
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) fn patch(listeners: &mut [Value], patches: &Patches<'_>, proxy: &Proxy) {
    for listener in listeners {
        for filter in chains(listener)
            .into_iter()
            .filter_map(|chain| json::existing_list(chain, "filters"))
            .flatten()
        {
            if let Some(routes) = connection_manager(filter)
                .and_then(|manager| json::existing_object(manager, "route_config"))
            {
                patch_routes(routes, patches, proxy);
            }
        }
    }
}

/// One route configuration and everything in it.
pub(super) fn patch_routes(routes: &mut Value, patches: &Patches<'_>, proxy: &Proxy) {
    for patch in patches.to(ApplyTo::RouteConfiguration, proxy.context.patched_as()) {
        if matching::route_configuration(patch, routes, proxy) {
            patch.merge_into(routes);
        }
    }
    let mut hosts = json::take_list(routes, "virtual_hosts");
    let mut removed = BTreeSet::new();
    for host in &mut hosts {
        if !patch_host(host, routes, patches, proxy) {
            removed.insert(json::name(host).to_string());
        }
    }
    for patch in patches.to(ApplyTo::VirtualHost, proxy.context.patched_as()) {
        if patch.effective_operation() == Operation::Add
            && matching::route_configuration(patch, routes, proxy)
        {
            hosts.push(patch.value.clone());
            patch.hit();
        }
    }
    // By name and at the end, so a removed name cannot be added again in the same push.
    hosts.retain(|host| !removed.contains(json::name(host)));
    json::set(routes, "virtual_hosts", hosts);
}

/// False where the virtual host is removed.
fn patch_host(host: &mut Value, routes: &Value, patches: &Patches<'_>, proxy: &Proxy) -> bool {
    for patch in patches.to(ApplyTo::VirtualHost, proxy.context.patched_as()) {
        if !matching::route_configuration(patch, routes, proxy)
            || !matching::virtual_host(patch, host)
        {
            continue;
        }
        match patch.operation {
            Operation::Remove => {
                patch.hit();
                return false;
            }
            Operation::Replace => {
                *host = patch.value.clone();
                patch.hit();
            }
            _ => patch.merge_into(host),
        }
    }
    let here = || {
        patches
            .to(ApplyTo::HttpRoute, proxy.context.patched_as())
            .filter(|patch| matching::route_configuration(patch, routes, proxy))
    };
    let mut list = json::take_list(host, "routes");
    for route in &mut list {
        for patch in here().filter(|patch| matching::virtual_host(patch, host)) {
            if !matching::route(patch, route) {
                continue;
            }
            if patch.operation == Operation::Remove {
                *route = Value::Null;
                patch.hit();
                break;
            }
            patch.merge_into(route);
        }
    }
    for patch in here().filter(|patch| matching::virtual_host(patch, host)) {
        insert_route(&mut list, patch);
    }
    list.retain(|route| !route.is_null());
    json::set(host, "routes", list);
    true
}

fn insert_route(routes: &mut Vec<Value>, patch: &Running<'_>) {
    let clause = matching::has_route_clause(patch);
    let found = || {
        routes
            .iter()
            .position(|route| matching::route(patch, route))
    };
    let place = match patch.operation {
        Operation::Add => Some(routes.len()),
        Operation::InsertAfter if clause => found().map(|found| found + 1),
        Operation::InsertAfter => Some(routes.len()),
        Operation::InsertBefore if clause => found(),
        Operation::InsertFirst if clause => found().map(|_| 0),
        Operation::InsertBefore | Operation::InsertFirst => Some(0),
        _ => None,
    };
    if let Some(place) = place {
        routes.insert(place, patch.value.clone());
        patch.hit();
    }
}
