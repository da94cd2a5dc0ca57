//! Istio's standard HTTP metrics.

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

    /// The metric of this name, with or without a prefix.
    pub fn find(name: &str) -> Option<Self> {
        let bare = name.strip_prefix("istio_").unwrap_or(name);
        Metric::ALL.into_iter().find(|metric| metric.name() == bare)
    }
}
