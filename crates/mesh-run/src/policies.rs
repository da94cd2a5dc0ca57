//! Which policies each proxy of a local mesh gets, and where in it they stand.
//!
//! ```text
//! documents ─Policies::read→ Policies
//!                            Proxy ─sidecar, gateway→ Proxy with our module, and what EnvoyFilters and WasmPlugins do to it
//!                                  ─said→ what selects nothing, changes nothing, is refused
//! ```
//!
//! What istiod makes of AuthorizationPolicies, RequestAuthentications and faults, filters of Envoy's own, is one module of
//! ours here, at their place. A proxy without any has no module: it would cost memory, and do nothing.
//!
//! Whether a VirtualService's fault is for a proxy is known; whether it ever calls that service is not. So a fault
//! on what every client sees has every sidecar load the module.

mod extensions;
mod faults;
mod metrics;
mod patches;
mod places;
mod security;
mod shape;
mod unused;

use std::collections::BTreeSet;
use std::path::PathBuf;

use documents::Document;
use istio::Context;
use mesh::model::workload::Workload;
use mesh::{GatewayProxy, Mesh, Proxy, Said};
use policies::{Keys, Selection};
use sdk_helpers::Timestamp;
use serde_json::Value;

use patches::Patches;
use places::{Module, Parts};
use security::Security;

/// What is said beside the objects.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The folder of our modules: `mesh-filters.wasm`, and `rate-limit.wasm` and the like.
    pub modules: PathBuf,
    /// Keys of issuers, in place of those that would be fetched.
    pub keys: Vec<Keys>,
    /// The file of certificates that this machine trusts, for issuers whose keys are fetched by HTTPS.
    pub trusted: Option<PathBuf>,
    /// The time, for what expires.
    pub now: Timestamp,
}

/// The policies of a mesh.
#[derive(Debug)]
pub struct Policies<'a> {
    mesh: Mesh<'a>,
    settings: Settings,
    security: Security,
    patches: Patches,
    documents: &'a [Document],
    /// The objects that are for some proxy, as [`unused::key`] tells them apart.
    used: BTreeSet<String>,
    said: BTreeSet<Said>,
}

/// Whose proxy it is.
#[derive(Debug, Clone)]
struct Owner {
    selection: Selection,
    context: Context,
    /// The hosts of the services that it answers for.
    services: Vec<String>,
}

impl<'a> Policies<'a> {
    /// Reads them. What cannot be read is not in the mesh, as istiod refuses it, and that is said at the end.
    #[must_use]
    pub fn read(documents: &'a [Document], mesh: &Mesh<'a>, settings: &Settings) -> Self {
        let mut said = BTreeSet::new();
        Policies {
            mesh: *mesh,
            settings: settings.clone(),
            security: Security::read(documents),
            patches: Patches::read(documents, settings, &mut said),
            documents,
            used: BTreeSet::new(),
            said,
        }
    }

    /// Puts the policies of a workload into its sidecar.
    pub fn sidecar(&mut self, workload: &Workload, proxy: &mut Proxy) {
        let services = self.mesh.model.services.iter().filter(|service| {
            let mut backends = service
                .ports
                .iter()
                .flat_map(|port| self.mesh.model.backends(service, port));
            backends.any(|(one, _)| one == workload)
        });
        let owner = Owner {
            selection: Selection {
                namespace: workload.namespace.clone(),
                labels: workload.labels.clone(),
            },
            context: Context::SidecarInbound,
            services: services.map(|service| service.host.clone()).collect(),
        };
        let mut inbound = self.secured(&owner);
        let mut outbound = self.faults(proxy);
        inbound.metrics = self.metrics(&owner);
        outbound.metrics.clone_from(&inbound.metrics);
        self.put(
            &owner,
            &[("INBOUND", inbound), ("OUTBOUND", outbound)],
            proxy,
        );
    }

    /// Puts the policies of a gateway into it.
    pub fn gateway(&mut self, gateway: &GatewayProxy<'_>, proxy: &mut Proxy) {
        let owner = Owner {
            selection: Selection {
                namespace: gateway.namespace.clone(),
                labels: gateway.labels.clone(),
            },
            context: Context::Gateway,
            services: Vec::new(),
        };
        let mut parts = self.secured(&owner);
        let faults = self.faults(proxy);
        parts.faults = faults.faults;
        parts.metrics = self.metrics(&owner);
        self.put(&owner, &[("OUTBOUND", parts)], proxy);
    }

    /// What there is to say of them, once every proxy of the mesh has its own.
    #[must_use]
    pub fn said(mut self) -> Vec<Said> {
        self.patches.said(&mut self.said);
        unused::say(self.documents, &self.used, &mut self.said);
        self.said.into_iter().collect()
    }

    fn secured(&mut self, owner: &Owner) -> Parts {
        let security = &self.security;
        let (parts, used) = security.parts(owner, &self.mesh, &self.settings, &mut self.said);
        self.used.extend(used);
        parts
    }

    fn faults(&mut self, proxy: &Proxy) -> Parts {
        faults::parts(
            self.mesh.model,
            &proxy.routes,
            self.settings.now,
            &mut self.said,
        )
    }

    fn metrics(&mut self, owner: &Owner) -> Option<Value> {
        let Selection { namespace, labels } = &owner.selection;
        let configuration = self.mesh.metrics(namespace, labels)?;
        metrics::part(
            configuration,
            self.documents,
            self.settings.now,
            &mut self.said,
        )
    }

    fn put(&mut self, owner: &Owner, parts: &[(&str, Parts)], proxy: &mut Proxy) {
        for (direction, parts) in parts {
            places::open(&mut proxy.listeners, direction, parts);
        }
        self.patches.apply(
            owner,
            &self.mesh.model.root_namespace,
            proxy,
            &mut self.used,
        );
        let all = parts.iter().map(|(_, parts)| parts);
        let module = Module::of(&self.settings.modules, all);
        for (direction, parts) in parts {
            let changed = places::close(&mut proxy.listeners, direction, parts, module);
            self.patches.merged(&changed);
            add_clusters(&mut proxy.clusters, &parts.clusters);
        }
        extensions::at_hand(&mut proxy.listeners, &self.settings.modules);
    }
}

/// Whom policies ask by themselves; of a name that the proxy has anyway, the proxy's own cluster counts.
fn add_clusters(clusters: &mut Vec<Value>, more: &[Value]) {
    for cluster in more {
        let name = cluster.get("name");
        if clusters.iter().all(|one| one.get("name") != name) {
            clusters.push(cluster.clone());
        }
    }
}
