//! What a proxy traces, logs and counts: what the Telemetry objects for it say, else what the MeshConfig does.

mod access_log;
mod collector;
mod metrics;
mod tracing;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::model::Model;
use crate::model::mesh_config::Provider;
use crate::model::service::Service;
use crate::model::telemetry::{Mode, Telemetry};
use crate::said::Said;

/// Who a proxy is, to those who read its telemetry.
#[derive(Clone, Copy)]
pub(crate) struct Proxied<'a> {
    pub(crate) model: &'a Model,
    /// Of its workload, or the gateway's own.
    pub(crate) name: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) labels: &'a BTreeMap<String, String>,
    /// Who it runs as; empty where nobody said.
    pub(crate) service_account: &'a str,
    /// Where its files are.
    pub(crate) folder: &'a Path,
}

/// What an HTTP connection manager is told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observed {
    /// `tracing`.
    pub(crate) tracing: Option<Value>,
    /// `access_log`.
    pub(crate) access_log: Vec<Value>,
}

/// What there is of it on either side of a proxy.
#[derive(Debug, Clone, Default)]
pub(crate) struct Telemetered {
    /// For what others call.
    pub(crate) server: Observed,
    /// For what it calls, and for a gateway.
    pub(crate) client: Observed,
    /// The clusters of collectors that are no services of the mesh.
    pub(crate) clusters: Vec<Value>,
    /// Statistics whose names have these in them have them as labels.
    pub(crate) stats_tags: Vec<Value>,
    /// What is said of it.
    pub(crate) said: Vec<Said>,
}

impl Proxied<'_> {
    /// Everything that is said for the proxy.
    pub(crate) fn telemetry(&self) -> Telemetered {
        let mut out = Telemetered::default();
        out.client = self.observed(Mode::Client, &mut out);
        out.server = self.observed(Mode::Server, &mut out);
        if let Some(metrics) = self.metrics() {
            out.stats_tags = metrics::stats_tags(&metrics);
        }
        out
    }

    fn observed(&self, side: Mode, out: &mut Telemetered) -> Observed {
        Observed {
            tracing: self.tracing(side, out),
            access_log: self.access_log(side, out),
        }
    }

    /// `app.namespace`, as spans and statistics call a workload.
    pub(crate) fn service_name(&self) -> String {
        let app = self.labels.get("app").map_or(self.name, String::as_str);
        format!("{app}.{}", self.namespace)
    }

    fn objects(&self) -> Vec<&Telemetry> {
        let Model {
            telemetries,
            root_namespace,
            ..
        } = self.model;
        Telemetry::for_proxy(telemetries, root_namespace, self.namespace, self.labels)
    }
}

/// Whether a service is one that proxies send their spans to.
pub(crate) fn collects(model: &Model, service: &Service) -> bool {
    let config = &model.mesh_config;
    let named = config.providers.values().filter_map(|one| match one {
        Provider::Zipkin(zipkin) => Some(&zipkin.collector.service),
        Provider::OpenTelemetry(otel) => Some(&otel.collector.service),
        _ => None,
    });
    let named = named.filter_map(|name| name.rsplit('/').next());
    let address = config.tracing.zipkin.as_deref();
    let own = address.and_then(|address| address.split(':').next());
    let by_itself = format!("zipkin.{}", model.root_namespace);
    let mut all = named.chain(own).chain([by_itself.as_str()]);
    all.any(|name| collector::names(model, name).contains(&service.host))
}

impl Mode {
    fn is_for(self, side: Mode) -> bool {
        self == Mode::Both || self == side
    }
}
