//! `metrics`: Istio's counters, for the filter that has them on any Envoy.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Proxied;
use crate::model::mesh_config::Provider;
use crate::model::telemetry::Metrics;

/// The labels of Istio's metrics.
/// <https://istio.io/latest/docs/reference/config/metrics/#labels>
const LABELS: [&str; 25] = [
    "reporter",
    "source_workload",
    "source_canonical_service",
    "source_canonical_revision",
    "source_workload_namespace",
    "source_principal",
    "source_app",
    "source_version",
    "source_cluster",
    "destination_workload",
    "destination_workload_namespace",
    "destination_principal",
    "destination_app",
    "destination_version",
    "destination_service",
    "destination_canonical_service",
    "destination_canonical_revision",
    "destination_service_name",
    "destination_service_namespace",
    "destination_cluster",
    "request_protocol",
    "response_code",
    "grpc_response_status",
    "response_flags",
    "connection_security_policy",
];

impl Proxied<'_> {
    /// The configuration of the filter for tags and metrics: what the Telemetry objects for the proxy say of
    /// Prometheus' metrics; none where they say nothing.
    pub(crate) fn metrics(&self) -> Option<Value> {
        let objects = self.objects();
        let elements: Vec<&Metrics> = objects.iter().flat_map(|one| &one.metrics).collect();
        let config = &self.model.mesh_config;
        let defaults = &config.default_providers.metrics;
        let prometheus = ["prometheus".to_owned()];
        let mut inherited: &[String] = match defaults.is_empty() {
            true => &prometheus,
            false => defaults,
        };
        let mut all = Vec::new();
        for element in elements {
            if !element.providers.is_empty() {
                inherited = &element.providers;
            }
            let is_prometheus =
                |name: &String| matches!(config.provider(name), Some(Provider::Prometheus));
            if inherited.iter().any(is_prometheus) {
                all.push(element.whole.clone());
            }
        }
        (!all.is_empty()).then(|| json!({"metrics": all}))
    }
}

/// How the bootstrap has Envoy make labels of what stands in the names of that filter's statistics.
pub(super) fn stats_tags(metrics: &Value) -> Vec<Value> {
    let elements = metrics.get("metrics").and_then(Value::as_array);
    let overrides = elements.into_iter().flatten();
    let overrides = overrides.filter_map(|one| one.get("overrides")?.as_array());
    let tags = overrides.flatten();
    let tags = tags.filter_map(|one| one.get("tagOverrides")?.as_object());
    let more: BTreeSet<&str> = tags.flatten().map(|(name, _)| name.as_str()).collect();
    let more = more.into_iter().filter(|name| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
        !LABELS.contains(name) && !name.is_empty() && name.chars().all(is_plain)
    });
    let tag = |name: &str| {
        let escaped = name.replace('.', "\\.");
        json!({"tag_name": name, "regex": format!("(\\[{escaped}=([^\\]]*)\\])")})
    };
    LABELS.into_iter().chain(more).map(tag).collect()
}
