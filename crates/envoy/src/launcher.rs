//! Which way Envoy is launched here.

use std::env;

const OVERRIDE: &str = "MESH_FILTERS_ENVOY";

/// A way to launch Envoy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Launcher {
    /// In a container, on the host's network.
    Container,
    /// As a child process.
    Process,
}

impl Launcher {
    /// What `MESH_FILTERS_ENVOY` says, else a container where an engine answers, else a process.
    pub fn detect() -> Self {
        match env::var(OVERRIDE).as_deref() {
            Ok("container") => Self::Container,
            Ok("process") => Self::Process,
            Ok(other) => panic!("{OVERRIDE}={other}: it may be `container` or `process`"),
            Err(_) if engine_answers() => Self::Container,
            Err(_) => Self::Process,
        }
    }
}

#[cfg(feature = "containers")]
fn engine_answers() -> bool {
    crate::launch::engine::is_available()
}

#[cfg(not(feature = "containers"))]
fn engine_answers() -> bool {
    false
}
