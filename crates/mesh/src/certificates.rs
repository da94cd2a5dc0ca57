//! The files of a workload's certificate. Whoever runs a mesh writes them.

use std::path::PathBuf;

use serde_json::{Value, json};

/// Where a proxy finds what it proves its identity with, and whom it believes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificates {
    /// Its own certificate and those above it, PEM.
    pub chain: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
    /// The roots of the mesh, PEM.
    pub roots: PathBuf,
}

impl Certificates {
    /// Envoy's `TlsCertificate`.
    pub(crate) fn pair(&self) -> Value {
        json!({"certificate_chain": {"filename": self.chain}, "private_key": {"filename": self.key}})
    }
}
