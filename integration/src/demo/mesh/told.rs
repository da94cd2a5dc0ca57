//! What `mesh up --format json` says of a mesh.

use std::net::SocketAddr;

use serde::Deserialize;

/// Where everything is.
#[derive(Debug, Deserialize)]
pub(super) struct Told {
    pub(super) pid: u32,
    pub(super) gateways: Vec<Gateway>,
    pub(super) workloads: Vec<Workload>,
}

/// Where a mesh is called from outside.
#[derive(Debug, Deserialize)]
pub(super) struct Gateway {
    pub(super) admin: SocketAddr,
    pub(super) ports: Vec<Port>,
}

/// A port, and where it is really listened on.
#[derive(Debug, Deserialize)]
pub(super) struct Port {
    pub(super) address: SocketAddr,
}

/// What runs, once for each replica.
#[derive(Debug, Deserialize)]
pub(super) struct Workload {
    pub(super) name: String,
    pub(super) replicas: Vec<Replica>,
}

/// One of a workload.
#[derive(Debug, Deserialize)]
pub(super) struct Replica {
    pub(super) ports: Vec<Port>,
    /// Where it sends what it calls, and where its Envoy is asked: none without a sidecar.
    pub(super) outbound: Option<SocketAddr>,
    pub(super) admin: Option<SocketAddr>,
}

impl Told {
    /// The first replica of a workload.
    pub(super) fn replica(&self, name: &str) -> Result<&Replica, String> {
        let found = self.workloads.iter().find(|one| one.name == name);
        let first = found.and_then(|workload| workload.replicas.first());
        first.ok_or_else(|| format!("`mesh up` said nothing of {name}"))
    }

    /// Where a workload sends what it calls.
    pub(super) fn outbound(&self, name: &str) -> Result<SocketAddr, String> {
        let outbound = self.replica(name)?.outbound;
        outbound.ok_or_else(|| format!("{name} has no sidecar"))
    }

    /// How many Envoys there are.
    pub(super) fn proxies(&self) -> Vec<SocketAddr> {
        let replicas = self.workloads.iter().flat_map(|one| &one.replicas);
        let sidecars = replicas.filter_map(|replica| replica.admin);
        sidecars
            .chain(self.gateways.iter().map(|gateway| gateway.admin))
            .collect()
    }
}
