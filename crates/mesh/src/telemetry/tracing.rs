//! `tracing`: which requests have spans, with which tags, and who collects them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::collector::{Collector, Protocol};
use super::{Proxied, Telemetered};
use crate::model::mesh_config::{
    Collector as Asked, OpenTelemetry, Provider, ProxyTracing, Zipkin,
};
use crate::model::telemetry::{Mode, Tracing};
use crate::model::workload::{CLUSTER, canonical};
use crate::said::Said;

/// Of a hundred requests, where nobody says how many.
const SAMPLING: f64 = 1.0;

/// Where a collector is on the machine itself: Zipkin's own port.
const LOCAL_ZIPKIN: &str = "127.0.0.1:9411";

impl Proxied<'_> {
    /// `tracing` of a connection manager; none where there are no spans.
    pub(super) fn tracing(&self, side: Mode, out: &mut Telemetered) -> Option<Value> {
        let config = &self.model.mesh_config;
        let merged = self.merged(side);
        let defaults = &config.default_providers.tracing;
        if merged.is_none() && defaults.is_empty() {
            let address = config.tracing.zipkin.as_deref();
            // Istio traces wherever it knows a collector, unless it is told not to.
            let traces = config.enable_tracing.unwrap_or(address.is_some());
            return traces.then(|| {
                let own = self.zipkin_of_proxy(None, out);
                self.write(own, &Tracing::default())
            });
        }
        let spec = merged.unwrap_or_default();
        if spec.disabled == Some(true) {
            return None;
        }
        let name = spec.providers.first().or(defaults.first());
        let provider = match name {
            None => self.zipkin_of_proxy(Some(&spec), out),
            Some(name) => match config.provider(name) {
                Some(Provider::Zipkin(zipkin)) => self.zipkin(&zipkin, &spec, out),
                Some(Provider::OpenTelemetry(otel)) => self.open_telemetry(&otel, &spec, out),
                other => {
                    out.said.push(Said {
                        place: spec.place.clone(),
                        what: match other {
                            None => format!("no extensionProvider is called {name}"),
                            Some(_) => format!("the extensionProvider {name} takes no spans here"),
                        },
                        consequence: "nobody gets spans; a MeshConfig's extensionProviders name a zipkin or an \
                                      opentelemetry"
                            .to_owned(),
                    });
                    return None;
                }
            },
        };
        Some(self.write(provider, &spec))
    }

    /// What the elements for a side say together, later ones first; none where there are none.
    fn merged(&self, side: Mode) -> Option<Tracing> {
        let objects = self.objects();
        let all = objects.iter().flat_map(|one| &one.tracing);
        all.filter(|one| one.mode.is_for(side))
            .cloned()
            .reduce(|before, after| Tracing {
                mode: side,
                providers: match after.providers.is_empty() {
                    true => before.providers,
                    false => after.providers,
                },
                sampling: after.sampling.or(before.sampling),
                disabled: after.disabled.or(before.disabled),
                custom_tags: after.custom_tags.or(before.custom_tags),
                istio_tags: after.istio_tags.or(before.istio_tags),
                request_id_samples: after.request_id_samples.or(before.request_id_samples),
                hides_context: after.hides_context.or(before.hides_context),
                place: after.place,
            })
    }

    fn write(&self, provider: Provided, spec: &Tracing) -> Value {
        let own = &self.model.mesh_config.tracing;
        let sampling = spec.sampling.or(own.sampling).unwrap_or(SAMPLING);
        let mut tracing = json!({
            "provider": {"name": provider.name, "typed_config": provider.typed_config},
            "client_sampling": {"value": 100},
            "random_sampling": {"value": sampling.clamp(0.0, 100.0)},
            "overall_sampling": {"value": 100},
            "custom_tags": self.tags(spec, own),
        });
        if let Value::Object(fields) = &mut tracing {
            let length = provider.max_tag_length.or(own.max_path_tag_length);
            if let Some(length) = length.filter(|length| *length > 0) {
                fields.insert("max_path_tag_length".to_owned(), json!(length));
            }
            if spec.hides_context == Some(true) {
                fields.insert("no_context_propagation".to_owned(), json!(true));
            }
        }
        tracing
    }

    /// Istio's own tags, which say whose span it is, and those that were asked for.
    fn tags(&self, spec: &Tracing, own: &ProxyTracing) -> Vec<Value> {
        let mut all: BTreeMap<String, Value> = BTreeMap::new();
        if spec.istio_tags != Some(false) {
            let (service, revision) = canonical(self.labels);
            for (name, value) in [
                ("istio.canonical_service", service.unwrap_or(self.name)),
                ("istio.canonical_revision", revision),
                ("istio.mesh_id", self.model.trust_domain()),
                ("istio.namespace", self.namespace),
                ("istio.cluster_id", CLUSTER),
            ] {
                all.insert(name.to_owned(), json!({"literal": {"value": value}}));
            }
        }
        let asked = spec.custom_tags.as_ref().unwrap_or(&own.custom_tags);
        for (name, tag) in asked {
            all.extend(custom_tag(tag).map(|tag| (name.clone(), tag)));
        }
        let written = all.into_iter().map(|(name, mut tag)| {
            if let Value::Object(fields) = &mut tag {
                fields.insert("tag".to_owned(), json!(name));
            }
            tag
        });
        written.collect()
    }

    /// Where nobody names a provider: what the MeshConfig has for every proxy, else a Zipkin of the root namespace,
    /// else one on this machine, which is said.
    fn zipkin_of_proxy(&self, spec: Option<&Tracing>, out: &mut Telemetered) -> Provided {
        let said = self.model.mesh_config.tracing.zipkin.clone();
        let in_mesh = format!("zipkin.{}:9411", self.model.root_namespace);
        let address = said
            .or_else(|| Collector::is_service(self.model, &in_mesh).then_some(in_mesh))
            .unwrap_or_else(|| {
                out.said.extend(spec.map(|spec| Said {
                    place: spec.place.clone(),
                    what: "no provider is named, and no MeshConfig says where a collector is".to_owned(),
                    consequence: format!(
                        "spans go to {LOCAL_ZIPKIN}, where Zipkin is on a machine; defaultConfig.tracing.zipkin.address \
                         says otherwise"
                    ),
                }));
                LOCAL_ZIPKIN.to_owned()
            });
        let (service, port) = address.rsplit_once(':').unwrap_or((&address, "9411"));
        let zipkin = Zipkin {
            collector: Asked {
                service: service.to_owned(),
                port: port.parse().unwrap_or(9411),
            },
            path: String::new(),
            short_ids: false,
            max_tag_length: None,
        };
        let spec = spec.cloned().unwrap_or_default();
        self.zipkin(&zipkin, &spec, out)
    }

    fn zipkin(&self, zipkin: &Zipkin, spec: &Tracing, out: &mut Telemetered) -> Provided {
        let collector = Collector::of(self.model, &zipkin.collector, Protocol::Http);
        collector.tell(&spec.place, out);
        let path = match zipkin.path.as_str() {
            "" => "/api/v2/spans",
            path => path,
        };
        let typed_config = json!({
            "@type": "type.googleapis.com/envoy.config.trace.v3.ZipkinConfig",
            "collector_cluster": collector.cluster,
            "collector_hostname": collector.host,
            "collector_endpoint": path,
            "collector_endpoint_version": "HTTP_JSON",
            "trace_id_128bit": !zipkin.short_ids,
            "shared_span_context": false,
        });
        Provided {
            name: "envoy.tracers.zipkin",
            typed_config,
            max_tag_length: zipkin.max_tag_length,
        }
    }

    fn open_telemetry(
        &self,
        otel: &OpenTelemetry,
        spec: &Tracing,
        out: &mut Telemetered,
    ) -> Provided {
        let protocol = match otel.http_path {
            Some(_) => Protocol::Http,
            None => Protocol::Http2,
        };
        let collector = Collector::of(self.model, &otel.collector, protocol);
        collector.tell(&spec.place, out);
        let mut typed_config = Map::new();
        let mut set = |name: &str, value: Value| typed_config.insert(name.to_owned(), value);
        set(
            "@type",
            json!("type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig"),
        );
        set("service_name", json!(self.service_name()));
        match &otel.http_path {
            Some(path) => {
                let uri = format!("http://{}/{}", collector.host, path.trim_start_matches('/'));
                set(
                    "http_service",
                    json!({"http_uri": {"uri": uri, "cluster": collector.cluster, "timeout": "10s"}}),
                );
            }
            None => {
                let grpc = json!({"cluster_name": collector.cluster, "authority": collector.host});
                set(
                    "grpc_service",
                    json!({"envoy_grpc": grpc, "timeout": "10s"}),
                );
            }
        }
        Provided {
            name: "envoy.tracers.opentelemetry",
            typed_config: Value::Object(typed_config),
            max_tag_length: otel.max_tag_length,
        }
    }
}

/// A tracer of Envoy's.
struct Provided {
    name: &'static str,
    typed_config: Value,
    max_tag_length: Option<u32>,
}

/// A tag in Envoy's words, all but its name; none where it says nothing.
fn custom_tag(tag: &Value) -> Option<Value> {
    let named = |kind: &str| {
        let name = tag.get(kind)?.get("name")?.as_str()?;
        let default = tag.get(kind)?.get("defaultValue").and_then(Value::as_str);
        let mut out = json!({"name": name});
        if let (Some(default), Value::Object(fields)) = (default, &mut out) {
            fields.insert("default_value".to_owned(), json!(default));
        }
        Some(out).filter(|_| !name.is_empty())
    };
    let value = |kind: &str| {
        let value = tag.get(kind)?.get("value")?.as_str()?;
        Some(value).filter(|value| !value.is_empty())
    };
    let literal = value("literal").map(|value| json!({"literal": {"value": value}}));
    let formatter = || value("formatter").map(|value| json!({"value": value}));
    let environment = || named("environment").map(|it| json!({"environment": it}));
    let header = || named("header").map(|it| json!({"request_header": it}));
    literal
        .or_else(environment)
        .or_else(header)
        .or_else(formatter)
}
