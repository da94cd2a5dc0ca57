//! All stages, in istiod's order, over one bootstrap.

use super::parts::{Parts, Run};
use super::patches::Note;
use super::proxy::{Context, Proxy};
use super::resource::{ApplyTo, EnvoyFilter};
use super::traffic_extension::{self, Agent, TrafficExtension};
use super::{extensions, fields, json};
use crate::Error;
use serde_json::Value;
use std::path::Path;

/// A bootstrap after the patches, and what became of them.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// What Envoy is started with; every field in snake_case.
    pub bootstrap: Value,
    /// The WasmPlugins and TrafficExtensions that some listener has now, as `namespace/name`, in the
    /// order of their filters; and the patches that changed something, as
    /// `namespace/name spec.configPatches[0]`.
    pub applied: Vec<String>,
    /// What istiod would have passed over in silence, what it warns about, and what an agent says of
    /// modules that it cannot fetch. What by selector, target, proxy clause or context means another
    /// proxy is not worth a note.
    pub notes: Vec<String>,
    /// The answers to filters with `config_discovery`: those of modules, and those that
    /// `EXTENSION_CONFIG` patches add. Envoy would ask a control plane for these: call [`Rendered::bind_extensions`] first.
    pub extension_configs: Vec<Value>,
}

impl Rendered {
    /// Puts the extension configurations into files in `directory`, which must outlive Envoy, and
    /// has the filters that ask for them read those.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn bind_extensions(&mut self, directory: &Path) -> Result<(), Error> {
        extensions::bind(&mut self.bootstrap, &self.extension_configs, directory)
    }
}

/// What the control plane has for a proxy.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resources<'a> {
    /// WasmPlugins and TrafficExtensions.
    pub traffic_extensions: &'a [TrafficExtension],
    /// EnvoyFilters, which see what comes of the above.
    pub envoy_filters: &'a [EnvoyFilter],
}

/// In which shape a filter that asks for its configuration is to come out.
#[derive(Clone, Copy)]
pub enum Delivery<'a> {
    /// As istiod sends it: filters ask by `config_discovery`, [`Rendered::extension_configs`] has the
    /// answers, and modules are still to be fetched.
    ControlPlane,
    /// As Envoy gets it from its agent: filters ask, and the answers name files.
    Agent(&'a dyn Agent),
    /// The same for an Envoy that has nobody to ask: the answers stand in the filters.
    Inline(&'a dyn Agent),
}

/// Applies `filters` to `bootstrap` as istiod would for `proxy`.
///
/// # Errors
/// The bootstrap has no `static_resources`.
pub fn apply(bootstrap: Value, filters: &[EnvoyFilter], proxy: &Proxy) -> Result<Rendered, Error> {
    let resources = Resources {
        envoy_filters: filters,
        ..Resources::default()
    };
    render(bootstrap, resources, proxy, Delivery::ControlPlane)
}

/// Applies `resources` to `bootstrap` as istiod would for `proxy`: first the filters of WasmPlugins and
/// TrafficExtensions at their places among Istio's own, then the patches of EnvoyFilters.
///
/// # Errors
/// The bootstrap has no `static_resources`.
pub fn render(
    mut bootstrap: Value,
    resources: Resources<'_>,
    proxy: &Proxy,
    delivery: Delivery<'_>,
) -> Result<Rendered, Error> {
    fields::snake_case(&mut bootstrap);
    let Some(static_resources) = json::existing_object(&mut bootstrap, "static_resources") else {
        let problem = "bootstrap: static_resources is missing";
        return Err(Error::Bootstrap(problem.to_string()));
    };
    let mut parts = Parts {
        outbound: json::take_list(static_resources, "listeners"),
        clusters: json::take_list(static_resources, "clusters"),
        ..Parts::default()
    };
    let is_inbound = matches!(proxy.context, Context::SidecarInbound | Context::Waypoint);
    if is_inbound {
        std::mem::swap(&mut parts.inbound, &mut parts.outbound);
    }
    let mut run = Run::new(resources, proxy);
    let halves = [proxy.context];
    let configurations = run.patch(&mut parts, resources, &halves);
    parts.inbound.append(&mut parts.outbound);
    json::set(static_resources, "listeners", parts.inbound);
    json::set(static_resources, "clusters", parts.clusters);
    let mut extension_configs = extensions::select(&mut bootstrap, configurations, &run.patches);
    // Last, although Istio starts with it: what it adds is not xDS and no other patch sees it.
    for patch in run.patches.in_any_context(ApplyTo::Bootstrap) {
        patch.merge_into(&mut bootstrap);
    }
    let (applied, mut notes) = run.end(&halves);
    notes.extend(extensions::unanswered(&mut bootstrap, &extension_configs));
    if let Delivery::Agent(agent) | Delivery::Inline(agent) = delivery {
        for configuration in &mut extension_configs {
            notes.extend(traffic_extension::convert(configuration, agent));
        }
    }
    if let Delivery::Inline(_) = delivery {
        extensions::inline(&mut bootstrap, std::mem::take(&mut extension_configs));
    }
    Ok(Rendered {
        bootstrap,
        applied,
        notes: notes.iter().map(Note::to_string).collect(),
        extension_configs,
    })
}
