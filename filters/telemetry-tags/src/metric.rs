//! Istio's standard HTTP metrics.

use sdk_helpers::{Attributes, World};

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// `istio_requests_total`: 1 a stream.
    RequestCount,
    /// `istio_request_duration_milliseconds`, of the whole stream.
    RequestDuration,
    /// `istio_request_bytes`: headers and body.
    RequestSize,
    /// `istio_response_bytes`: headers and body.
    ResponseSize,
    /// `istio_request_messages_total`, of gRPC streams that Envoy's `grpc_stats` counts.
    GrpcRequestMessages,
    /// `istio_response_messages_total`, likewise.
    GrpcResponseMessages,
}

impl Metric {
    /// All of them.
    pub const ALL: [Metric; 6] = [
        Metric::RequestCount,
        Metric::RequestDuration,
        Metric::RequestSize,
        Metric::ResponseSize,
        Metric::GrpcRequestMessages,
        Metric::GrpcResponseMessages,
    ];

    /// The name without its prefix, `istio_` unless configured otherwise.
    pub fn name(self) -> &'static str {
        match self {
            Metric::RequestCount => "requests_total",
            Metric::RequestDuration => "request_duration_milliseconds",
            Metric::RequestSize => "request_bytes",
            Metric::ResponseSize => "response_bytes",
            Metric::GrpcRequestMessages => "request_messages_total",
            Metric::GrpcResponseMessages => "response_messages_total",
        }
    }

    /// Whether each value is kept, and not their sum alone.
    pub fn is_histogram(self) -> bool {
        matches!(
            self,
            Metric::RequestDuration | Metric::RequestSize | Metric::ResponseSize
        )
    }

    /// What a stream at its end adds to it; `None` for nothing.
    pub fn measure(self, world: &dyn World, is_grpc: impl Fn() -> bool) -> Option<u64> {
        let attributes: &dyn Attributes = world;
        let number = |of: &str, name: &str| attributes.uint(&[of, name]);
        match self {
            Metric::RequestCount => Some(1),
            Metric::RequestDuration => Some(number("request", "duration")? / 1_000_000),
            Metric::RequestSize => number("request", "total_size"),
            Metric::ResponseSize => number("response", "total_size"),
            Metric::GrpcRequestMessages if is_grpc() => messages(attributes, 0),
            Metric::GrpcResponseMessages if is_grpc() => messages(attributes, 1),
            Metric::GrpcRequestMessages | Metric::GrpcResponseMessages => None,
        }
    }

    /// Whether it counts gRPC messages.
    pub fn is_messages(self) -> bool {
        matches!(
            self,
            Metric::GrpcRequestMessages | Metric::GrpcResponseMessages
        )
    }

    /// The metric of this name, without a prefix.
    pub fn find(name: &str) -> Option<Self> {
        Metric::ALL.into_iter().find(|metric| metric.name() == name)
    }
}

/// What Envoy's `grpc_stats` filter leaves behind: both numbers, with a comma between them.
fn messages(attributes: &dyn Attributes, which: usize) -> Option<u64> {
    let counted = attributes.filter_state("envoy.filters.http.grpc_stats")?;
    let number = counted.split(|byte| *byte == b',').nth(which)?;
    let number: u64 = std::str::from_utf8(number).ok()?.parse().ok()?;
    (number > 0).then_some(number)
}
