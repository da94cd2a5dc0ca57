//! A collector of spans: what Zipkin is to Envoy's tracer.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::wait;
use crate::listener::{cluster, typed};
use crate::upstream::{Answer, Upstream};

/// Where Zipkin takes spans in version 2 of its JSON form.
const ENDPOINT: &str = "/api/v2/spans";
/// The cluster that Envoy finds it by.
const CLUSTER: &str = "spans";

/// A collector on a port of its own; it stops when dropped.
#[derive(Debug)]
pub struct Spans(Upstream);

/// One span.
#[derive(Debug, Clone, PartialEq)]
pub struct Span(Value);

impl Spans {
    /// Starts it.
    pub fn start() -> Self {
        Self(Upstream::with(|_| Answer::status(202)))
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.0.addr()
    }

    /// The static cluster under which [`Spans::tracing`] finds it.
    pub fn cluster(&self) -> Value {
        cluster(CLUSTER, self.0.addr(), false)
    }

    /// `tracing` of an HTTP connection manager: every request has a span, which carries these tags,
    /// each as Envoy's formatter writes it.
    pub fn tracing(tags: &[(&str, &str)]) -> Value {
        let zipkin = typed(
            "envoy.config.trace.v3.ZipkinConfig",
            json!({
                "collector_cluster": CLUSTER,
                "collector_endpoint": ENDPOINT,
                "collector_endpoint_version": "HTTP_JSON",
            }),
        );
        let tags: Vec<Value> = tags
            .iter()
            .map(|(tag, format)| json!({"tag": tag, "value": format}))
            .collect();
        json!({
            "provider": {"name": "envoy.tracers.zipkin", "typed_config": zipkin},
            "random_sampling": {"value": 100},
            "custom_tags": tags,
        })
    }

    /// `layered_runtime` of a bootstrap: each span is sent when it ends, not every five seconds.
    pub fn runtime() -> Value {
        json!({"layers": [{"name": "spans", "static_layer": {"tracing.zipkin.min_flush_spans": 1}}]})
    }

    /// What has come so far, in its order.
    ///
    /// # Panics
    /// If Envoy sent something else.
    pub fn all(&self) -> Vec<Span> {
        let lists = self.0.requests().into_iter().map(|request| {
            assert_eq!(request.path, ENDPOINT);
            let spans: Vec<Value> = serde_json::from_slice(&request.body).unwrap_or_else(|error| {
                let body = String::from_utf8_lossy(&request.body);
                panic!("spans that are not JSON ({error}): {body}")
            });
            spans
        });
        lists.flatten().map(Span).collect()
    }

    /// Waits for a span for which this holds.
    pub fn wait(&self, deadline: Duration, wanted: impl Fn(&Span) -> bool) -> Option<Span> {
        wait::until(deadline, || self.all().into_iter().find(&wanted))
    }
}

impl Span {
    /// The trace that it is of; empty where it does not say.
    pub fn trace(&self) -> &str {
        self.0["traceId"].as_str().unwrap_or_default()
    }

    /// All of its tags, by name.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        let tags = self.0["tags"].as_object().into_iter().flatten();
        tags.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
    }

    /// The value of a tag.
    pub fn tag(&self, name: &str) -> Option<&str> {
        self.0["tags"].get(name)?.as_str()
    }
}
