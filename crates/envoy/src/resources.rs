//! Resources that Envoy reads from files while it runs: listeners, clusters, configurations of filters.
//!
//! Envoy is told when a file is moved into the place of another, which is how
//! [`Scratch::write`](crate::Scratch::write) writes.

use std::path::Path;

use serde_json::{Value, json};

use crate::listener::typed;

/// What a file of resources of one message says, such as `envoy.config.listener.v3.Listener`.
pub fn file(message: &str, resources: impl IntoIterator<Item = Value>) -> String {
    let resources = resources
        .into_iter()
        .map(|resource| typed(message, resource));
    json!({ "resources": resources.collect::<Vec<_>>() }).to_string()
}

/// Where Envoy reads resources, and again whenever the file is replaced: `envoy.config.core.v3.ConfigSource`.
pub fn source(path: &Path) -> Value {
    let path = path.display().to_string();
    json!({"path_config_source": {"path": path}, "resource_api_version": "V3"})
}
