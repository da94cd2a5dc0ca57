//! Who the proxy is, and who is on the other side, as far as Envoy says.

use std::cell::RefCell;
use std::rc::Rc;

use sdk_helpers::attributes::TrafficDirection;
use sdk_helpers::protobuf::read_struct;
use sdk_helpers::{Attributes, World};

use crate::config::Reporter;

/// One side of a request: names as Istio gives them, empty where it gives none.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Of the Deployment, say.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// `service.istio.io/canonical-name`.
    pub service: String,
    /// `service.istio.io/canonical-revision`.
    pub revision: String,
    /// The label `app`.
    pub app: String,
    /// The label `version`.
    pub version: String,
    /// The cluster of the mesh.
    pub cluster: String,
    /// The SPIFFE identity.
    pub identity: String,
}

/// What Envoy says of the proxy that the filter is in: it never changes while the proxy lives.
#[derive(Debug)]
pub struct LocalProxy {
    /// Whose side it is on.
    pub reporter: Reporter,
    /// Whether the host header names the service.
    pub host_header: bool,
    /// The proxy's own workload.
    pub own: Rc<Workload>,
}

impl LocalProxy {
    /// Reads it; the direction of the listener is only told within a stream.
    pub fn read(world: &dyn World, reporter: Option<Reporter>, host_header: Option<bool>) -> Self {
        let attributes: &dyn Attributes = world;
        let metadata = |key: &str| text(attributes.node_metadata(key));
        let label = |name: &str| text(attributes.node_label(name));
        let direction = attributes.listener_direction();
        let by_direction = match direction {
            Some(TrafficDirection::Inbound) => Reporter::Destination,
            _ => Reporter::Source,
        };
        let reporter = reporter.unwrap_or(by_direction);
        // Istio turns it off for the server's side, for gateways and for waypoints.
        let is_sidecar = || text(attributes.node_id()).starts_with("sidecar~");
        LocalProxy {
            host_header: host_header.unwrap_or_else(|| match reporter {
                Reporter::Source => direction == Some(TrafficDirection::Outbound) && is_sidecar(),
                Reporter::Destination | Reporter::Waypoint => false,
            }),
            reporter,
            own: Rc::new(Workload {
                name: metadata("WORKLOAD_NAME"),
                namespace: metadata("NAMESPACE"),
                service: label("service.istio.io/canonical-name"),
                revision: label("service.istio.io/canonical-revision"),
                app: label("app"),
                version: label("version"),
                cluster: metadata("CLUSTER_ID"),
                identity: String::new(),
            }),
        }
    }
}

/// A property as text; empty if there is none.
pub fn text(bytes: Option<Vec<u8>>) -> String {
    bytes.map_or(String::new(), |bytes| {
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The workloads that both peers said they are, each kept while the next one says the same.
#[derive(Debug, Default)]
pub struct Peers {
    downstream: Last,
    upstream: Last,
}

impl Peers {
    /// Who sent the request.
    pub fn downstream(&self, attributes: &dyn Attributes) -> Rc<Workload> {
        let said = attributes.filter_state("downstream_peer");
        self.downstream.workload(said, of_struct)
    }

    /// Who answers it: by what it says itself, or else, if that may be asked, by what istiod writes
    /// beside its endpoint.
    pub fn upstream(&self, attributes: &dyn Attributes, by_endpoint: bool) -> Rc<Workload> {
        let said = attributes.filter_state("upstream_peer");
        if said.is_some() || !by_endpoint {
            return self.upstream.workload(said, of_struct);
        }
        let path = [
            "xds",
            "upstream_host_metadata",
            "filter_metadata",
            "istio",
            "workload",
        ];
        self.upstream
            .workload(attributes.property(&path), of_endpoint)
    }
}

/// What was said last, and what it means.
#[derive(Debug, Default)]
struct Last(RefCell<(Vec<u8>, Rc<Workload>)>);

impl Last {
    fn workload(&self, said: Option<Vec<u8>>, read: fn(&[u8]) -> Workload) -> Rc<Workload> {
        let said = said.unwrap_or_default();
        let mut last = self.0.borrow_mut();
        if last.0 != said {
            let workload = Rc::new(read(&said));
            *last = (said, workload);
        }
        Rc::clone(&last.1)
    }
}

/// Istio's peer object, a serialized Struct.
fn of_struct(bytes: &[u8]) -> Workload {
    let fields = read_struct(bytes);
    let field = |name: &str| {
        let value = fields.as_ref().and_then(|fields| fields.get(name));
        value
            .and_then(|value| value.as_str())
            .unwrap_or_default()
            .to_owned()
    };
    Workload {
        name: field("workload"),
        namespace: field("namespace"),
        service: field("service"),
        revision: field("revision"),
        app: field("app"),
        version: field("version"),
        cluster: field("cluster"),
        identity: field("identity"),
    }
}

/// What istiod writes beside an endpoint: `workload;namespace;service;revision;cluster`.
fn of_endpoint(bytes: &[u8]) -> Workload {
    let text = String::from_utf8_lossy(bytes);
    let parts: Vec<&str> = text.split(';').collect();
    // Istio takes it whole or not at all.
    let [name, namespace, service, revision, cluster, ..] = parts.as_slice() else {
        return Workload::default();
    };
    let [name, namespace, service, revision, cluster] =
        [name, namespace, service, revision, cluster].map(|part| (*part).to_owned());
    Workload {
        name,
        namespace,
        service,
        revision,
        cluster,
        ..Workload::default()
    }
}

/// The service that a cluster of Envoy's stands for.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Service {
    /// The full name.
    pub host: String,
    /// The short one.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
}

/// Clusters whose service is known. A proxy has some hundreds; past that many, none is remembered.
const MOST_CLUSTERS: usize = 512;

/// The services of the clusters seen so far.
#[derive(Debug, Default)]
pub struct Services {
    known: RefCell<Vec<(String, Rc<Service>)>>,
}

impl Services {
    /// The service of a cluster, by the metadata istiod writes beside it.
    pub fn of(&self, attributes: &dyn Attributes, cluster: &str) -> Rc<Service> {
        let known = self.known.borrow();
        if let Some((_, service)) = known.iter().find(|(name, _)| name == cluster) {
            return Rc::clone(service);
        }
        drop(known);
        let field = |name: &str| {
            let path = [
                "xds",
                "cluster_metadata",
                "filter_metadata",
                "istio",
                "services",
                "0",
                name,
            ];
            text(attributes.property(&path))
        };
        let host = field("host");
        let mut name = field("name");
        if name.is_empty() {
            name = host.split('.').next().unwrap_or_default().to_owned();
        }
        let namespace = field("namespace");
        let service = Rc::new(Service {
            host,
            name,
            namespace,
        });
        let mut known = self.known.borrow_mut();
        if known.len() < MOST_CLUSTERS {
            known.push((cluster.to_owned(), Rc::clone(&service)));
        }
        service
    }
}
