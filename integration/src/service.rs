//! The servers beside Envoy that tests need, each started by the one launcher of companions.

pub mod spans;
mod spec;

use std::ops::Deref;

use envoy::Companion;
pub use envoy::launch::wait;
pub(crate) use envoy::launch::{apt, program};
pub use envoy::{Scratch, tool};

/// A server on a port of its own on 127.0.0.1; it ends when dropped.
#[derive(Debug)]
pub struct Service(Companion);

impl Service {
    /// A Redis that keeps nothing on disk.
    pub fn redis() -> Self {
        Self(Companion::start(&spec::redis()))
    }

    /// A Prometheus with this configuration (YAML).
    pub fn prometheus(config: &str) -> Self {
        Self(Companion::start(&spec::prometheus(config)))
    }

    /// An OCI registry, without TLS and without accounts.
    pub fn registry() -> Self {
        Self(Companion::start(&spec::registry()))
    }
}

impl Deref for Service {
    type Target = Companion;

    fn deref(&self) -> &Companion {
        &self.0
    }
}
