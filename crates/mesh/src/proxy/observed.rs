//! Telemetry put into a proxy: who it is, and what its connection managers trace and log.

use std::path::Path;

use serde_json::{Value, json};

use super::{GatewayProxy, Mesh, Proxy};
use crate::model::Model;
use crate::model::workload::{CLUSTER, Workload};
use crate::telemetry::{Observed, Proxied};

/// Envoy's HTTP connection manager.
const MANAGER: &str = "envoy.filters.network.http_connection_manager";

impl<'a> Mesh<'a> {
    /// What the filter telemetry-tags is told for a proxy of a workload, or a gateway, with these labels in this
    /// namespace: what the Telemetry objects for it say of Prometheus' metrics. None where they say nothing.
    #[must_use]
    pub fn metrics(
        &self,
        namespace: &str,
        labels: &std::collections::BTreeMap<String, String>,
    ) -> Option<Value> {
        let proxied = Proxied {
            model: self.model,
            name: "",
            namespace,
            labels,
            service_account: "",
            folder: Path::new(""),
        };
        proxied.metrics()
    }

    pub(super) fn observed_sidecar<'b>(
        &self,
        workload: &'b Workload,
        folder: &'b Path,
    ) -> Proxied<'b>
    where
        'a: 'b,
    {
        Proxied {
            model: self.model,
            name: &workload.name,
            namespace: &workload.namespace,
            labels: &workload.labels,
            service_account: &workload.service_account,
            folder,
        }
    }

    pub(super) fn observed_gateway<'b>(
        &self,
        proxy: &'b GatewayProxy<'_>,
        folder: &'b Path,
    ) -> Proxied<'b>
    where
        'a: 'b,
    {
        Proxied {
            model: self.model,
            name: &proxy.name,
            namespace: &proxy.namespace,
            labels: &proxy.labels,
            service_account: "",
            folder,
        }
    }
}

impl Proxy {
    /// Puts what is observed into it, and who it is.
    pub(super) fn observe(&mut self, proxied: &Proxied<'_>) {
        let mut telemetry = proxied.telemetry();
        let name = |cluster: &Value| cluster.get("name").cloned();
        let known: Vec<Option<Value>> = self.clusters.iter().map(name).collect();
        let more = std::mem::take(&mut telemetry.clusters).into_iter();
        self.clusters
            .extend(more.filter(|one| !known.contains(&name(one))));
        for observed in [&mut telemetry.client, &mut telemetry.server] {
            // Envoy refuses a listener whose collector it does not know: a service that is not exported to it.
            let clusters = &self.clusters;
            let is_known = |tracing: &Value| clusters.iter().any(|one| leads_to(tracing, one));
            observed.tracing = observed.tracing.take().filter(is_known);
        }
        for listener in &mut self.listeners {
            let inbound = listener.get("traffic_direction") == Some(&json!("INBOUND"));
            let observed = match inbound {
                true => &telemetry.server,
                false => &telemetry.client,
            };
            managers(listener).for_each(|manager| write(manager, observed));
        }
        self.stats_tags = telemetry.stats_tags;
        self.node = node(&self.id, proxied);
    }
}

/// Whether spans go to a cluster.
fn leads_to(tracing: &Value, cluster: &Value) -> bool {
    let provider = tracing.pointer("/provider/typed_config");
    let places = [
        "/collector_cluster",
        "/grpc_service/envoy_grpc/cluster_name",
        "/http_service/http_uri/cluster",
    ];
    let mut named = places.iter().filter_map(|place| provider?.pointer(place));
    named.any(|name| cluster.get("name") == Some(name))
}

/// The connection managers of a listener.
fn managers(listener: &mut Value) -> impl Iterator<Item = &mut Value> {
    let chains = listener.get_mut("filter_chains");
    let chains = chains.and_then(Value::as_array_mut).into_iter().flatten();
    let filters = chains.filter_map(|chain| chain.get_mut("filters")?.as_array_mut());
    let managers = filters
        .flatten()
        .filter(|filter| filter.get("name") == Some(&json!(MANAGER)));
    managers.filter_map(|filter| filter.get_mut("typed_config"))
}

fn write(manager: &mut Value, observed: &Observed) {
    if let Value::Object(fields) = manager {
        let tracing = observed.tracing.clone();
        fields.extend(tracing.map(|tracing| ("tracing".to_owned(), tracing)));
        if !observed.access_log.is_empty() {
            fields.insert("access_log".to_owned(), json!(observed.access_log));
        }
    }
}

/// Who a proxy says it is, with what Istio's own agent says of it.
fn node(id: &str, proxied: &Proxied<'_>) -> Value {
    let Proxied {
        model,
        name,
        namespace,
        labels,
        service_account,
        ..
    } = *proxied;
    let mesh = Model::trust_domain(model);
    json!({
        "id": id,
        "cluster": proxied.service_name(),
        "metadata": {
            "WORKLOAD_NAME": name,
            "NAMESPACE": namespace,
            "SERVICE_ACCOUNT": service_account,
            "LABELS": labels,
            "CLUSTER_ID": CLUSTER,
            "MESH_ID": mesh,
        },
    })
}
