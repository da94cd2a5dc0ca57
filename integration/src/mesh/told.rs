//! What `mesh up --format json` says of a mesh.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

/// Where everything is.
#[derive(Debug, Clone, Deserialize)]
pub struct Told {
    /// Where its files are.
    pub folder: PathBuf,
    /// The process that keeps it.
    pub pid: u32,
    /// Whom its certificates are believed by.
    pub ca: PathBuf,
    /// Where it is called from outside.
    pub gateways: Vec<Gateway>,
    /// What runs.
    pub workloads: Vec<Workload>,
    /// What there is to say of its objects.
    pub notes: Vec<Note>,
}

/// Where a mesh is called from outside.
#[derive(Debug, Clone, Deserialize)]
pub struct Gateway {
    /// `istio-ingressgateway`.
    pub name: String,
    /// Its ports, and where they really are.
    pub ports: Vec<Port>,
}

/// A port, and where it is really listened on.
#[derive(Debug, Clone, Deserialize)]
pub struct Port {
    /// As the objects say it.
    pub port: u16,
    /// Where others send to it: the sidecar, where there is one.
    pub address: SocketAddr,
    /// The process itself, of a workload.
    pub process: Option<SocketAddr>,
}

/// What runs, once for each replica.
#[derive(Debug, Clone, Deserialize)]
pub struct Workload {
    /// `reviews-v1`.
    pub name: String,
    /// `default`.
    pub namespace: String,
    /// Of its pods.
    pub labels: BTreeMap<String, String>,
    /// In its certificate; none without a sidecar.
    pub identity: Option<String>,
    /// Whether it has one.
    pub sidecar: bool,
    /// At least one.
    pub replicas: Vec<Replica>,
}

/// One of a workload.
#[derive(Debug, Clone, Deserialize)]
pub struct Replica {
    /// As others know it.
    pub address: Ipv4Addr,
    /// What it listens on.
    pub ports: Vec<Port>,
    /// Where it sends what it calls; none without a sidecar.
    pub outbound: Option<SocketAddr>,
    /// Where its Envoy is asked; none without one.
    pub admin: Option<SocketAddr>,
    /// The folder of its Envoy.
    pub folder: Option<PathBuf>,
    /// The files of its certificate.
    pub certificate: Option<Certificate>,
}

/// The files of a certificate, in PEM.
#[derive(Debug, Clone, Deserialize)]
pub struct Certificate {
    /// Its own and those above it.
    pub chain: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// What there is to say of an object.
#[derive(Debug, Clone, Deserialize)]
pub struct Note {
    /// `bookinfo.yaml:3:11`.
    pub place: String,
    /// What is not as it seems.
    pub what: String,
    /// What that does.
    pub consequence: String,
}

impl Replica {
    /// Its process, at its first port.
    ///
    /// # Panics
    /// It listens on none.
    #[track_caller]
    pub fn process(&self) -> SocketAddr {
        let port = self.ports.first().expect("a port");
        port.process.expect("a process")
    }

    /// Where others send to this port of it.
    ///
    /// # Panics
    /// It does not listen on it.
    #[track_caller]
    pub fn port(&self, port: u16) -> SocketAddr {
        let found = self.ports.iter().find(|one| one.port == port);
        found.unwrap_or_else(|| panic!("no port {port}")).address
    }
}
