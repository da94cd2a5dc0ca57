//! A proxy in parts, as a control plane sends them: listeners, the routes they ask for, clusters.

use super::patches::{Note, Patches};
use super::proxy::{Context, Proxy};
use super::render::Resources;
use super::resource::{ApplyTo, EnvoyFilter};
use super::traffic_extension::{self, Agent, Assembled};
use super::{clusters, extensions, json, listeners, routes};
use serde_json::{Value, json};

/// istiod patches a waypoint's listeners as inbound ones, and tests that it does.
const ON_WAYPOINTS: &str = "Istio's documentation calls EnvoyFilters on waypoints unsupported";

/// The parts of a proxy, every field in snake_case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parts {
    /// The listeners of what a workload is asked, with their routes in them.
    pub inbound: Vec<Value>,
    /// The listeners of what it asks others, or those of a gateway.
    pub outbound: Vec<Value>,
    /// The route configurations that the latter ask for by their names.
    pub routes: Vec<Value>,
    /// The clusters of both.
    pub clusters: Vec<Value>,
}

/// What became of resources.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patched {
    /// Those that changed something, as [`Rendered::applied`](super::Rendered::applied) has them.
    pub applied: Vec<String>,
    /// What istiod would have passed over in silence, and what it warns about.
    pub notes: Vec<Note>,
}

/// Applies `resources` to a whole proxy as istiod would: first the filters of WasmPlugins and TrafficExtensions at their
/// places among Istio's own, then the patches of EnvoyFilters. Of a sidecar both halves are patched, whichever of them
/// `proxy` says. Modules are fetched by `agent`, and nothing is left to be asked for.
///
/// There is no bootstrap among the parts, so patches to it change nothing, and that is noted.
pub fn patch(
    parts: &mut Parts,
    resources: Resources<'_>,
    proxy: &Proxy,
    agent: &dyn Agent,
) -> Patched {
    let halves: &[Context] = match proxy.context {
        Context::SidecarInbound | Context::SidecarOutbound => {
            &[Context::SidecarInbound, Context::SidecarOutbound]
        }
        Context::Gateway => &[Context::Gateway],
        Context::Waypoint => &[Context::Waypoint],
    };
    let mut run = Run::new(resources, proxy);
    let configurations = run.patch(parts, resources, halves);
    let (inbound, outbound) = (&mut parts.inbound, &mut parts.outbound);
    let mut both =
        json!({"inbound": std::mem::take(inbound), "outbound": std::mem::take(outbound)});
    let mut configurations = extensions::select(&mut both, configurations, &run.patches);
    for patch in run.patches.in_any_context(ApplyTo::Bootstrap) {
        patch.missed("the bootstrap is none of what is patched here");
    }
    let (applied, mut notes) = run.end(halves);
    notes.extend(extensions::unanswered(&mut both, &configurations));
    for configuration in &mut configurations {
        notes.extend(traffic_extension::convert(configuration, agent));
    }
    extensions::inline(&mut both, configurations);
    *inbound = json::take_list(&mut both, "inbound");
    *outbound = json::take_list(&mut both, "outbound");
    Patched { applied, notes }
}

/// Resources on their way through a proxy.
pub(super) struct Run<'a> {
    proxy: &'a Proxy,
    filters: Vec<&'a EnvoyFilter>,
    pub(super) patches: Patches<'a>,
    applied: Vec<String>,
    notes: Vec<Note>,
}

impl<'a> Run<'a> {
    pub(super) fn new(resources: Resources<'a>, proxy: &'a Proxy) -> Self {
        let filters = proxy.applicable(resources.envoy_filters);
        Run {
            proxy,
            patches: Patches::of(&filters, |patch| proxy.is_meant_by(patch)),
            filters,
            applied: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Patches these halves, and tells the configurations that filters will ask for.
    pub(super) fn patch(
        &mut self,
        parts: &mut Parts,
        resources: Resources<'_>,
        halves: &[Context],
    ) -> Vec<Value> {
        let Parts {
            inbound,
            outbound,
            routes,
            clusters,
        } = parts;
        let is_inbound =
            |context: &Context| matches!(context, Context::SidecarInbound | Context::Waypoint);
        let mut lists = Vec::new();
        let both = [(true, inbound), (false, outbound)];
        for (inbound, listeners) in both {
            let context = halves.iter().find(|one| is_inbound(one) == inbound);
            lists.extend(context.map(|context| (*context, listeners)));
        }
        let extensions = resources.traffic_extensions;
        let Assembled {
            configurations,
            applied,
            notes,
        } = traffic_extension::assemble(&mut lists, extensions, self.proxy);
        self.applied.extend(applied);
        self.notes.extend(notes);
        // Routes first: Istio's are made apart, so listeners that patches add have none patched.
        for (context, listeners) in &mut lists {
            let mut proxy = self.proxy.clone();
            proxy.context = *context;
            routes::patch(listeners, &self.patches, &proxy);
            if !is_inbound(context) {
                for one in routes.iter_mut() {
                    routes::patch_routes(one, &self.patches, &proxy);
                }
            }
        }
        for (context, listeners) in &mut lists {
            listeners::patch(listeners, &self.patches, context.patched_as());
        }
        clusters::patch(clusters, &self.patches, self.proxy);
        configurations
    }

    /// What changed something, and what there is to say.
    pub(super) fn end(mut self, halves: &[Context]) -> (Vec<String>, Vec<Note>) {
        for filter in &self.filters {
            let id = format!("{}/{}", filter.namespace, filter.name);
            let warnings = filter.warnings.iter();
            self.notes.extend(warnings.map(|warning| {
                let (path, text) = warning.split_once(": ").unwrap_or(("", warning));
                Note::of(&id, path, text)
            }));
            if self.proxy.context == Context::Waypoint {
                self.notes.push(Note::of(&id, "", ON_WAYPOINTS));
            }
        }
        let halves: Vec<Context> = halves.iter().map(|one| one.patched_as()).collect();
        self.notes.extend(self.patches.notes(&halves));
        self.applied.extend(self.patches.applied());
        (self.applied, self.notes)
    }
}
