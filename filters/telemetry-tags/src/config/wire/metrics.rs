//! `metrics[]` as a user writes it.

use sdk_helpers::config::kind::{DurationText, Map};
use sdk_helpers::{fields, words};

use super::{Mode, ProviderWire};

fields! {
    /// Istio's `metrics`.
    pub(in crate::config) struct MetricsWire {
        /// accepted, and say nothing to a filter
        pub(in crate::config) providers: Vec<Option<ProviderWire>> { kind: "list", istio: "same" },
        pub(in crate::config) overrides: Vec<Option<OverrideWire>>,
        /// accepted, and does nothing here: HTTP metrics are reported when a stream ends
        pub(in crate::config) reporting_interval as "reportingInterval": DurationText { istio: "same" },
    }
}

fields! {
    /// What becomes of metrics and of their labels; later ones refine earlier ones.
    pub(in crate::config) struct OverrideWire {
        pub(in crate::config) r#match as "match": MatchWire,
        /// `ALL_METRICS` with true turns all off, and any later override all on again, which the log warns of
        pub(in crate::config) disabled: bool { default: "inherited", istio: "same" },
        pub(in crate::config) tag_overrides as "tagOverrides": Map<Option<TagOverrideWire>>,
    }
}

fields! {
    /// Which metrics an override is for.
    pub(in crate::config) struct MatchWire {
        /// those of TCP do nothing here
        pub(in crate::config) metric: MetricWord { kind: "name", default: "`ALL_METRICS`", istio: "same" },
        /// a name such as `requests_total`, without `istio_`; any other does nothing
        pub(in crate::config) custom_metric as "customMetric": String { kind: "name", istio: "same" },
        /// the side that `reporter` says; a server's are `destination` and `waypoint`
        pub(in crate::config) mode: Mode { default: "both", istio: "same" },
    }
}

fields! {
    /// What becomes of a label.
    pub(in crate::config) struct TagOverrideWire {
        /// `REMOVE` works on tags of ours too
        pub(in crate::config) operation: OperationWord { default: "`UPSERT`", istio: "standard labels only" },
        /// replaces a label in its place, or adds one
        pub(in crate::config) value: String { kind: "CEL", istio: "same" },
        /// the most values, over all workers
        pub(in crate::config) max_values as "maxValues": u32 {
            default: "100", istio: "ours", within: Some((1.0, 10_000.0))
        },
        /// stands for every value beyond
        pub(in crate::config) overflow: String { default: "`other`", istio: "ours" },
        /// in place of `value`, as in `tags`; `unknown` where there is none
        pub(in crate::config) claim: String { kind: "`plan`, `realm.roles`, `[a.b][c]`", istio: "ours" },
    }
}

words! {
    /// What is done with a label.
    #[derive(Default)]
    pub(in crate::config) enum OperationWord {
        #[default]
        Upsert = "UPSERT",
        Remove = "REMOVE",
    }
}

words! {
    /// Istio's names of the metrics.
    pub(in crate::config) enum MetricWord {
        All = "ALL_METRICS",
        RequestCount = "REQUEST_COUNT",
        RequestDuration = "REQUEST_DURATION",
        RequestSize = "REQUEST_SIZE",
        ResponseSize = "RESPONSE_SIZE",
        GrpcRequestMessages = "GRPC_REQUEST_MESSAGES",
        GrpcResponseMessages = "GRPC_RESPONSE_MESSAGES",
        TcpOpenedConnections = "TCP_OPENED_CONNECTIONS",
        TcpClosedConnections = "TCP_CLOSED_CONNECTIONS",
        TcpSentBytes = "TCP_SENT_BYTES",
        TcpReceivedBytes = "TCP_RECEIVED_BYTES",
    }
}
