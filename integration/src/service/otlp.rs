//! A collector of OpenTelemetry's spans, over gRPC and over HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use prost::Message;

use super::wait;
use crate::upstream::{Answer, Upstream};

/// The method of `opentelemetry.proto.collector.trace.v1.TraceService`.
const METHOD: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// A collector on a port of its own; it stops when dropped.
#[derive(Debug)]
pub struct Otlp(Upstream);

/// One span, with the service that sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// `service.name` of its resource.
    pub service: String,
    /// What it is called.
    pub name: String,
    /// Whether it came over gRPC, and not over HTTP.
    pub by_grpc: bool,
    /// Its attributes that are text.
    pub attributes: Vec<(String, String)>,
}

impl Otlp {
    /// Starts it.
    pub fn start() -> Self {
        // The answer to either is a message of which every field may be left out.
        Self(Upstream::with(|request| match request.is_grpc() {
            true => Answer::grpc(&[]),
            false => Answer::status(200).header("content-type", "application/x-protobuf"),
        }))
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.0.addr()
    }

    /// What has come so far, in its order; over HTTP at this path.
    ///
    /// # Panics
    /// If Envoy sent something else.
    pub fn all(&self, path: &str) -> Vec<Span> {
        let mut all = Vec::new();
        for request in self.0.requests() {
            let by_grpc = request.is_grpc();
            let (messages, expected) = match by_grpc {
                true => (request.messages(), METHOD),
                false => (vec![request.body.clone()], path),
            };
            assert_eq!(request.path, expected);
            for message in messages {
                let export = Export::decode(message.as_slice()).expect("ExportTraceServiceRequest");
                all.extend(export.spans(by_grpc));
            }
        }
        all
    }

    /// Waits for a span for which this holds.
    pub fn wait(
        &self,
        path: &str,
        deadline: Duration,
        wanted: impl Fn(&Span) -> bool,
    ) -> Option<Span> {
        wait::until(deadline, || self.all(path).into_iter().find(&wanted))
    }
}

impl Span {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let mut all = self.attributes.iter();
        let found = all.find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// `ExportTraceServiceRequest`, as far as a test looks at it, and what it holds below.
#[derive(Clone, PartialEq, Message)]
struct Export {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<WireSpan>,
}

#[derive(Clone, PartialEq, Message)]
struct WireSpan {
    #[prost(string, tag = "5")]
    name: String,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(string, optional, tag = "1")]
    text: Option<String>,
}

impl Export {
    fn spans(self, by_grpc: bool) -> Vec<Span> {
        let mut all = Vec::new();
        for one in self.resource_spans {
            let of_resource = texts(one.resource.unwrap_or_default().attributes);
            let service = of_resource
                .into_iter()
                .find(|(key, _)| key == "service.name");
            let service = service.map(|(_, name)| name).unwrap_or_default();
            let spans = one.scope_spans.into_iter().flat_map(|scope| scope.spans);
            all.extend(spans.map(|span| Span {
                service: service.clone(),
                name: span.name,
                by_grpc,
                attributes: texts(span.attributes),
            }));
        }
        all
    }
}

fn texts(attributes: Vec<KeyValue>) -> Vec<(String, String)> {
    let texts = attributes
        .into_iter()
        .filter_map(|one| Some((one.key, one.value?.text?)));
    texts.collect()
}
