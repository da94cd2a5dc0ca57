//! The servers beside Envoy that tests need, each started by the one launcher of companions.

pub(crate) mod apt;
#[cfg(feature = "containers")]
mod container;
#[cfg(feature = "containers")]
pub(crate) mod engine;
pub(crate) mod leftovers;
pub(crate) mod log;
pub(crate) mod owner;
mod process;
pub(crate) mod procfs;
pub(crate) mod program;
pub(crate) mod running;
mod scratch;
pub mod spans;
mod spec;
pub mod wait;

use std::ops::Deref;

pub use scratch::Scratch;

use crate::companion::Companion;
pub use crate::companion::tool;

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
