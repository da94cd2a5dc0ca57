//! The servers beside Envoy that tests need, each started by the one launcher of companions.

pub mod otlp;
pub mod spans;
mod spec;

use std::ops::Deref;
use std::path::PathBuf;

pub(crate) use ::envoy::program;
use ::envoy::{Companion, Install, Spec};
pub use ::envoy::{Scratch, wait};

use crate::envoy::expect;
use crate::tls::Issued;

/// A server on a port of its own on 127.0.0.1; it ends when dropped, and a test that panics shows the
/// end of its log.
#[derive(Debug)]
pub struct Service {
    name: String,
    companion: Companion,
}

impl Service {
    /// A Redis that keeps nothing on disk.
    pub fn redis() -> Self {
        Self::start(&spec::redis())
    }

    /// A Prometheus with this configuration (YAML).
    pub fn prometheus(config: &str) -> Self {
        Self::start(&spec::prometheus(config))
    }

    /// An OCI registry, without TLS and without accounts.
    pub fn registry() -> Self {
        Self::start(&spec::registry(spec::Door::Open))
    }

    /// One that lets in the accounts of this htpasswd file alone (bcrypt).
    pub fn registry_with_accounts(htpasswd: &str) -> Self {
        Self::start(&spec::registry(spec::Door::Accounts(htpasswd.to_owned())))
    }

    /// One that speaks TLS, with this certificate.
    pub fn registry_with_tls(certificate: &Issued) -> Self {
        Self::start(&spec::registry(spec::Door::Tls(certificate.clone())))
    }

    fn start(spec: &Spec) -> Self {
        Self {
            name: spec.name.clone(),
            companion: expect(Companion::start(spec)),
        }
    }
}

impl Deref for Service {
    type Target = Companion;

    fn deref(&self) -> &Companion {
        &self.companion
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let tail = self.companion.log().tail(20);
            eprintln!("--- the last lines of {}\n{tail}", self.name);
        }
    }
}

/// A program of this machine: the one on `PATH`, or that of a Debian package installed on the spot.
///
/// # Errors
/// Says what to install.
pub fn tool(name: &str, package: &str) -> Result<PathBuf, String> {
    program::tool(name, package, Install::OnDebian).map_err(|problem| problem.to_string())
}
