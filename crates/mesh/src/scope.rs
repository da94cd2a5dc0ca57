//! What a proxy sees of the services and of what is said of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::clusters::{Caller, Rule, cluster_name};
use crate::model::Model;
use crate::model::service::Service;
use crate::model::sidecar::Sidecar;
use crate::model::virtual_service::{TargetService, VirtualService};
use crate::model::workload::Workload;
use crate::routes::{Outside, Services};
use crate::telemetry;

/// Whose proxy it is, and what it sees.
pub(crate) struct Scope<'a> {
    pub(crate) model: &'a Model,
    pub(crate) namespace: &'a str,
    pub(crate) labels: &'a BTreeMap<String, String>,
    /// Those that may be called.
    pub(crate) services: Vec<&'a Service>,
    caller: Caller,
    sidecar: Option<&'a Sidecar>,
}

impl<'a> Scope<'a> {
    /// What a gateway sees: no Sidecar speaks of it.
    pub(crate) fn gateway(
        model: &'a Model,
        namespace: &'a str,
        labels: &'a BTreeMap<String, String>,
    ) -> Self {
        Scope {
            model,
            namespace,
            labels,
            services: model.seen_by(namespace).collect(),
            caller: Caller::Gateway,
            sidecar: None,
        }
    }

    /// What the sidecar of a workload sees: what its Sidecar tells, and whatever the VirtualServices lead to that it
    /// tells.
    pub(crate) fn sidecar(model: &'a Model, workload: &'a Workload) -> Self {
        let mut scope = Scope::gateway(model, &workload.namespace, &workload.labels);
        scope.caller = Caller::Sidecar;
        scope.sidecar = model.sidecar(workload);
        if let Some(sidecar) = scope.sidecar {
            let routes = model.virtual_services_of(workload);
            let routes = routes.iter().flat_map(|one| &one.http);
            let led_to: BTreeSet<&str> = routes.flat_map(|route| route.hosts()).collect();
            scope.services.retain(|service| {
                // Whoever collects telemetry is called by the sidecar, not by the workload.
                if telemetry::collects(model, service) {
                    return true;
                }
                let hosts = std::iter::once(&service.host);
                sidecar.tells(&workload.namespace, &service.namespace, hosts)
                    || led_to.contains(service.host.as_str())
            });
        }
        scope
    }

    /// What the proxy is.
    pub(crate) fn caller(&self) -> Caller {
        self.caller
    }

    /// What becomes of a request for a host that nobody knows.
    pub(crate) fn outside(&self, of_mesh: Outside) -> Outside {
        let own = self.sidecar.and_then(|sidecar| sidecar.outside);
        own.unwrap_or(of_mesh)
    }

    /// What is said of a service's endpoints.
    pub(crate) fn rule(&self, service: &Service) -> Option<Rule<'a>> {
        Rule::find(self.model, service, self.namespace, self.labels)
    }

    fn service(&self, target: &TargetService) -> Option<&'a Service> {
        let mut services = self.services.iter().copied();
        services.find(|service| service.host == target.host)
    }
}

impl Model {
    /// The Sidecar that speaks of a workload.
    #[must_use]
    pub fn sidecar(&self, workload: &Workload) -> Option<&Sidecar> {
        crate::model::sidecar::of_workload(&self.sidecars, workload, &self.root_namespace)
    }

    /// The VirtualServices by which a workload's sidecar sends what the workload calls.
    #[must_use]
    pub fn virtual_services_of(&self, workload: &Workload) -> Vec<&VirtualService> {
        let namespace = &workload.namespace;
        let sidecar = self.sidecar(workload);
        let seen = |one: &&VirtualService| {
            one.is_for_sidecars()
                && one.export.reaches(&one.namespace, namespace)
                && sidecar.is_none_or(|sidecar| {
                    sidecar.tells(namespace, &one.namespace, one.hosts.iter())
                })
        };
        self.virtual_services.iter().filter(seen).collect()
    }
}

impl Services for Scope<'_> {
    fn cluster(&self, target: &TargetService, called: u16) -> String {
        let only = self
            .service(target)
            .and_then(|service| match service.ports.as_slice() {
                [only] => Some(only.number),
                _ => None,
            });
        let port = target.port.or(only).unwrap_or(called);
        cluster_name(port, &target.subset, &target.host)
    }

    fn hash_policy(&self, target: &TargetService) -> Option<Value> {
        let rule = self.rule(self.service(target)?)?;
        rule.hash_policy(&target.subset, target.port)
    }
}
