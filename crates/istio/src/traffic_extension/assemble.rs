//! Which filters go where: the resources that are for a proxy, those of them that mean a listener, and
//! their places among Istio's own filters.

use super::{Code, Mode, Phase, PluginType, TrafficExtension, TrafficSelector, url};
use crate::base;
use crate::listeners::{chains, connection_manager};
use crate::patches::Note;
use crate::proxy::{Context, Proxy};
use crate::{json, matching};
use serde_json::Value;
use std::cmp::Reverse;

/// What stands before every phase: who the peer is, and authorization by action CUSTOM, whose second
/// filter this is.
const BEFORE_ALL: [&str; 2] = ["istio.metadata_exchange", "envoy.filters.http.ext_authz"];

/// What became of the resources.
#[derive(Default)]
pub(crate) struct Assembled {
    /// The configurations that the filters will ask for.
    pub(crate) configurations: Vec<Value>,
    /// The resources that a listener has now, as `namespace/name`.
    pub(crate) applied: Vec<String>,
    /// What istiod passes over in silence.
    pub(crate) notes: Vec<Note>,
}

/// Puts the filters of all resources that are for this proxy into its listeners, which are in these contexts.
pub(crate) fn assemble(
    listeners: &mut [(Context, &mut Vec<Value>)],
    extensions: &[TrafficExtension],
    proxy: &Proxy,
) -> Assembled {
    let mut assembled = Assembled::default();
    for extension in in_order(extensions, proxy) {
        let id = extension.id();
        let warnings = extension.warnings.iter();
        let warnings = warnings.map(|warning| Note::of(&id, &warning.at, &warning.problem));
        assembled.notes.extend(warnings);
        if let Some((path, why)) = unrendered(extension) {
            assembled.notes.push(Note {
                changed_nothing: true,
                ..Note::of(&id, path, why)
            });
            continue;
        }
        let mut placed = false;
        for (context, listeners) in &mut *listeners {
            for listener in &mut **listeners {
                placed |= put(extension, listener, *context);
            }
        }
        if placed {
            assembled.applied.push(id);
            assembled.configurations.extend(extension.configuration());
        } else {
            let contexts = listeners.iter().map(|(context, _)| context.to_string());
            let contexts: Vec<String> = contexts.collect();
            let note = format!("no HTTP listener of a {} is meant", contexts.join(" or "));
            assembled.notes.push(Note {
                changed_nothing: true,
                ..Note::of(&id, "spec.match", note)
            });
        }
    }
    assembled
}

/// The resources for this proxy, in the order in which they stand where several have one place.
fn in_order<'a>(extensions: &'a [TrafficExtension], proxy: &Proxy) -> Vec<&'a TrafficExtension> {
    let namespaces = proxy.policy_namespaces();
    let mut selected: Vec<(usize, &TrafficExtension)> = Vec::new();
    for extension in extensions {
        let namespace = namespaces
            .iter()
            .position(|own| *own == extension.namespace);
        let Some(namespace) = namespace else { continue };
        let selector = extension.selector.as_ref();
        if proxy.attaches(&extension.namespace, selector, &extension.target_refs) {
            selected.push((namespace, extension));
        }
    }
    selected.sort_by_key(|(namespace, extension)| {
        (
            extension.phase,
            Reverse(extension.priority.unwrap_or(i32::MIN)),
            *namespace,
            extension.created.clone(),
            format!("{}.{}", extension.marked_name(), extension.namespace),
        )
    });
    selected
        .into_iter()
        .map(|(_, extension)| extension)
        .collect()
}

/// Why nothing is made of it.
fn unrendered(extension: &TrafficExtension) -> Option<(&'static str, String)> {
    let Code::Wasm(wasm) = &extension.code else {
        return None;
    };
    if wasm.plugin_type == PluginType::Network {
        return Some(("spec.type", "NETWORK is not rendered here".to_owned()));
    }
    let problem = url::sent(&wasm.url).err()?;
    Some(("spec.url", format!("discarded by istiod: {problem}")))
}

/// Puts the filter into every connection manager of a listener that is meant; whether any is.
fn put(extension: &TrafficExtension, listener: &mut Value, context: Context) -> bool {
    let port = matching::listener_port(listener);
    let is_virtual = matching::is_virtual(listener);
    let mut placed = false;
    for chain in chains(listener) {
        let port = match is_virtual {
            true => matching::chain_port(chain),
            false => port,
        };
        if !is_meant(&extension.matches, context, port.unwrap_or(0)) {
            continue;
        }
        let filters = json::existing_list(chain, "filters");
        for manager in filters.into_iter().flatten() {
            let http_filters = connection_manager(manager)
                .and_then(|configuration| json::existing_list(configuration, "http_filters"));
            if let Some(http_filters) = http_filters {
                let place = place(extension.phase, context, http_filters);
                http_filters.insert(place, extension.http_filter());
                placed = true;
            }
        }
    }
    placed
}

/// Where the next filter of this phase goes: before the first of Istio's that come after the phase,
/// and so behind all of the phase that are there already.
fn place(phase: Phase, context: Context, filters: &[Value]) -> usize {
    let next = match (phase, context) {
        (Phase::Authn, _) => "envoy.filters.http.jwt_authn",
        (Phase::Authz, _) => "envoy.filters.http.rbac",
        (_, Context::Waypoint) => "envoy.filters.http.router",
        _ => "envoy.filters.http.grpc_web",
    };
    let next = base::rank(next);
    let first = filters
        .iter()
        .rposition(|filter| BEFORE_ALL.contains(&json::name(filter)))
        .map_or(0, |last| last + 1);
    let rest = filters.iter().skip(first);
    let found = rest
        .map(json::name)
        .position(|name| base::rank(name) >= next);
    found.map_or(filters.len(), |found| first + found)
}

fn is_meant(selectors: &[TrafficSelector], context: Context, port: u32) -> bool {
    let mode = match context {
        Context::SidecarInbound | Context::Waypoint => Mode::Server,
        Context::SidecarOutbound | Context::Gateway => Mode::Client,
    };
    // A waypoint is asked about without a port, so none that is named is its.
    let port = match context {
        Context::Waypoint => 0,
        _ => port,
    };
    selectors.is_empty()
        || selectors.iter().any(|selector| {
            [Mode::ClientAndServer, mode].contains(&selector.mode)
                && (selector.ports.is_empty() || (port != 0 && selector.ports.contains(&port)))
        })
}
