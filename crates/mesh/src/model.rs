//! What the files say, each kind read once, with the names it has in a mesh.

pub mod destination_rule;
pub mod gateway;
pub mod mesh_config;
mod namespace;
pub mod peer_authentication;
pub mod protocol;
pub mod secret;
pub mod server_tls;
pub mod service;
pub mod sidecar;
pub mod telemetry;
pub mod virtual_service;
pub mod workload;

use documents::Document;

use crate::field::{Field, Reading};
use crate::routes::Outside;
use crate::said::Said;
use destination_rule::DestinationRule;
use gateway::Gateway;
use mesh_config::MeshConfig;
use namespace::Namespaces;
use peer_authentication::{Mode, PeerAuthentication};
use secret::Secret;
use service::{Backing, Service, ServicePort};
use sidecar::Sidecar;
use telemetry::Telemetry;
use virtual_service::VirtualService;
use workload::Workload;

/// The objects of a mesh.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// `cluster.local`, unless the mesh says otherwise.
    pub domain: String,
    /// `istio-system`: what is there is for every namespace.
    pub root_namespace: String,
    /// What holds where no object says otherwise.
    pub mesh_config: MeshConfig,
    /// Kubernetes' Services and those of ServiceEntries, in the order of the files.
    pub services: Vec<Service>,
    /// Deployments and Pods.
    pub workloads: Vec<Workload>,
    /// VirtualServices, delegates put in their places.
    pub virtual_services: Vec<VirtualService>,
    /// DestinationRules.
    pub destination_rules: Vec<DestinationRule>,
    /// Gateways.
    pub gateways: Vec<Gateway>,
    /// Sidecars.
    pub sidecars: Vec<Sidecar>,
    /// Telemetries.
    pub telemetries: Vec<Telemetry>,
    /// Secrets, of which gateways use those with certificates.
    pub secrets: Vec<Secret>,
    /// PeerAuthentications.
    pub peer_authentications: Vec<PeerAuthentication>,
    namespaces: Namespaces,
}

/// Who may see an object, by its `exportTo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export(Vec<String>);

impl Export {
    pub(crate) fn of_spec(spec: &Field<'_>) -> Self {
        let to = spec.list("exportTo");
        Export(
            to.iter()
                .filter_map(|to| to.text().map(str::to_owned))
                .collect(),
        )
    }

    /// A Service says it by an annotation, its names apart by commas.
    pub(crate) fn of_annotation(root: &Field<'_>) -> Self {
        let said = root.at(&["metadata", "annotations", "networking.istio.io/exportTo"]);
        let said = said.and_then(|said| said.text()).unwrap_or_default();
        let names = said
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        Export(names.map(str::to_owned).collect())
    }

    /// Whether nobody but its own namespace sees an object.
    pub(crate) fn is_private(&self, from: &str) -> bool {
        let own = |said: &String| said == "." || said == from;
        !self.0.is_empty() && self.0.iter().all(own)
    }

    /// Whether proxies of a namespace see an object of another.
    #[must_use]
    pub fn reaches(&self, from: &str, to: &str) -> bool {
        let names = |said: &String| said == "*" || said == to || said == "." && from == to;
        self.0.is_empty() || self.0.iter().any(names)
    }
}

impl Model {
    /// Reads what it knows of the documents, MeshConfigs among them, and says what is not carried over. Kinds that it does not know are passed
    /// over: whoever runs a mesh says which those are, since policies are read by others.
    #[must_use]
    pub fn read(documents: &[Document]) -> (Self, Vec<Said>) {
        let mut model = Model {
            domain: "cluster.local".to_owned(),
            root_namespace: "istio-system".to_owned(),
            ..Model::default()
        };
        let mut said = Vec::new();
        let mut delegates = Vec::new();
        // What holds for all is known before any object is read, wherever it stands.
        for document in documents {
            if let Some((path, config)) = istio::mesh_config(document.object().value()) {
                let reading = Reading::new(document);
                model.mesh_config.take(&reading.part(&config, path));
                said.extend(reading.end_of(&config, path, "it does nothing in this mesh"));
            }
        }
        if let Some(root) = &model.mesh_config.root_namespace {
            model.root_namespace.clone_from(root);
        }
        for document in documents {
            let reading = Reading::new(document);
            if model.take(&reading.root(), &mut delegates) {
                said.extend(reading.end("it does nothing in this mesh"));
            }
        }
        virtual_service::resolve(&mut model.virtual_services, delegates, &mut said);
        said.extend(model.injection_said());
        (model, said)
    }

    /// Whether the kind is one of those that it reads.
    fn take(&mut self, root: &Field<'_>, delegates: &mut Vec<VirtualService>) -> bool {
        let api_version = root.word("apiVersion").unwrap_or_default();
        match root.word("kind").unwrap_or_default() {
            "Namespace" => self.namespaces.extend(namespace::read(root)),
            "Service" => self
                .services
                .extend(service::kubernetes(root, &self.domain)),
            "ServiceEntry" => self.services.extend(service::entries(root)),
            "Deployment" | "StatefulSet" | "ReplicaSet" | "DaemonSet" => {
                self.workloads.extend(workload::deployment(root));
            }
            "Pod" => self.workloads.extend(workload::bare_pod(root)),
            "VirtualService" => {
                if let Some(read) = virtual_service::read(root, &self.domain) {
                    // What has no host is there for others to delegate to.
                    match read.hosts.is_empty() {
                        true => delegates.push(read),
                        false => self.virtual_services.push(read),
                    }
                }
            }
            "DestinationRule" => {
                self.destination_rules
                    .extend(destination_rule::read(root, &self.domain));
            }
            // Kubernetes' own Gateway is another kind.
            "Gateway" if api_version.starts_with("networking.istio.io/") => {
                self.gateways.extend(gateway::read(root))
            }
            "Sidecar" => self.sidecars.extend(sidecar::read(root)),
            "Telemetry" => self.telemetries.extend(telemetry::read(root)),
            "Secret" => self.secrets.extend(secret::read(root)),
            "PeerAuthentication" => {
                self.peer_authentications
                    .extend(peer_authentication::read(root));
            }
            _ => return false,
        }
        true
    }

    /// `cluster.local`, unless the MeshConfig says otherwise.
    #[must_use]
    pub fn trust_domain(&self) -> &str {
        let said = self.mesh_config.trust_domain.as_deref();
        said.filter(|said| !said.is_empty())
            .unwrap_or("cluster.local")
    }

    /// What becomes of a request for a host that nobody knows, where no Sidecar says otherwise.
    #[must_use]
    pub fn outside(&self) -> Outside {
        self.mesh_config.outside.unwrap_or_default()
    }

    /// The services that proxies of a namespace see.
    pub fn seen_by<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a Service> {
        let all = self.services.iter();
        all.filter(move |service| service.export.reaches(&service.namespace, namespace))
    }

    /// What a workload takes at a port of its container.
    #[must_use]
    pub fn mode(&self, workload: &Workload, port: u16) -> Mode {
        peer_authentication::mode(
            &self.peer_authentications,
            workload,
            port,
            &self.root_namespace,
        )
    }

    /// The first service that leads to a port of a workload's container, by the port of the service.
    #[must_use]
    pub fn leading_to(&self, workload: &Workload, port: u16) -> Option<(&Service, &ServicePort)> {
        let mut all = self.services.iter().flat_map(|service| {
            let ports = service.ports.iter();
            ports.map(move |port| (service, port))
        });
        all.find(|(service, leading)| {
            let mut backends = self.backends(service, leading);
            backends.any(|(one, number)| one == workload && number == port)
        })
    }

    /// The workloads that answer for a service, and the port of theirs that one of its ports leads to.
    pub fn backends<'a>(
        &'a self,
        service: &'a Service,
        port: &'a ServicePort,
    ) -> impl Iterator<Item = (&'a Workload, u16)> {
        let selector = match &service.backing {
            Backing::Workloads(labels) => Some(labels),
            _ => None,
        };
        let all = self.workloads.iter();
        all.filter(move |workload| {
            selector.is_some_and(|labels| workload.is_selected(&service.namespace, labels))
        })
        .filter_map(|workload| Some((workload, workload.target(port)?)))
    }
}

/// `metadata.name`.
pub(crate) fn name_of(root: &Field<'_>) -> Option<String> {
    root.at(&["metadata", "name"])?.text().map(str::to_owned)
}

/// `metadata.namespace`, `default` where there is none.
pub(crate) fn namespace_of(root: &Field<'_>) -> String {
    let said = root
        .at(&["metadata", "namespace"])
        .and_then(|field| field.text());
    said.filter(|said| !said.is_empty())
        .unwrap_or("default")
        .to_owned()
}

/// A host as it is known everywhere: a name without dots is one in the object's own namespace, as istiod has it.
pub(crate) fn full_host(host: &str, namespace: &str, domain: &str) -> String {
    let host = host.to_ascii_lowercase();
    match host.contains('.') || host.starts_with('*') {
        true => host,
        false => format!("{host}.{namespace}.svc.{domain}"),
    }
}
