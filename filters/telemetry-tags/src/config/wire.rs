//! The configuration as a user writes it: Istio's names, every field optional. What must be there,
//! and what a value may say, is checked afterwards.

mod metrics;
mod tags;

use sdk_helpers::config::kind::{Elsewhere, Map};
use sdk_helpers::config::{SelectorWire, TargetRefWire};
use sdk_helpers::{fields, words};

use super::Reporter;
pub(super) use metrics::{
    MatchWire, MetricWord, MetricsWire, OperationWord, OverrideWire, TagOverrideWire,
};
pub(super) use tags::{CustomTagWire, EnvironmentWire, TagWire};

fields! {
    /// What a user writes: the fields of a Telemetry's `spec`, and ours beside them.
    pub struct Wire {
        /// with an element, even `[{}]`, it turns the metrics on; empty there are none
        pub(super) metrics: Vec<MetricsWire> [spec] { default: "no metrics", istio: "on without" },
        /// its `customTags`; what else it says does nothing here
        pub(super) tracing: Vec<TracingWire> [spec] { default: "none", istio: "same" },
        /// accepted, and does nothing here: a filter cannot turn on Envoy's access log
        pub(super) access_logging as "accessLogging": Vec<LoggingWire> [spec] { kind: "list", istio: "same" },
        /// checked as in Istio, and of no effect: the filter works wherever it is loaded
        _selector as "selector": Elsewhere<SelectorWire> [spec] { istio: "same" },
        /// likewise
        _target_ref as "targetRef": Elsewhere<TargetRefWire> [spec] { istio: "same" },
        /// likewise
        _target_refs as "targetRefs": Elsewhere<Vec<TargetRefWire>> [spec] { istio: "same" },
        /// tags of ours: for logs, spans, later filters and, as labels, for metrics
        pub(super) tags: Vec<TagWire> { default: "none", istio: "ours" },
        /// Istio's labels that metrics have, none if it is empty; each one left out saves what reading it costs
        pub(super) labels: Vec<String> { kind: "names", default: "all 25", istio: "ours" },
        /// before the name of each metric; Prometheus refuses a scrape in which Istio's own filter shows the
        /// same series
        pub(super) metric_prefix as "metricPrefix": String { default: "`istio_`", istio: "ours" },
        /// the most series, of all metrics together and over all workers: what a scrape shows, a histogram for one
        pub(super) max_series as "maxSeries": u32 {
            default: "5,000", istio: "ours", within: Some((1.0, 100_000.0))
        },
        /// whether `destination_service` may be the host header
        pub(super) disable_host_header_fallback as "disableHostHeaderFallback": bool {
            default: "true, but for sidecars outbound", istio: "as in `istio.stats`"
        },
        /// whose side it is
        pub(super) reporter: Reporter {
            default: "by the listener's direction: inbound is a server's side, any other a client's",
            istio: "by proxy type",
        },
        /// the most values of each of Istio's labels, over all workers; beyond, `other`
        pub(super) max_values as "maxValues": u32 {
            default: "1,000", istio: "ours", within: Some((1.0, 10_000.0))
        },
    }
}

fields! {
    /// Istio's `tracing`. What steers the tracer does nothing here.
    pub(super) struct TracingWire {
        /// the side that `reporter` says, by its `mode`; a server's are `destination` and `waypoint`
        pub(super) r#match as "match": ModeWire {
            kind: "`mode`: `CLIENT_AND_SERVER`, `CLIENT`, `SERVER`", default: "both", istio: "same"
        },
        /// accepted, and say nothing to a filter
        pub(super) providers: Vec<Option<ProviderWire>> { kind: "list", istio: "same" },
        /// tags with `label: false`; of each side the last element's
        pub(super) custom_tags as "customTags": Map<Option<CustomTagWire>> {
            kind: "names to tags", default: "none", istio: "same"
        },
        /// accepted, and does nothing here: a filter cannot steer the tracer
        pub(super) random_sampling_percentage as "randomSamplingPercentage": f64 {
            istio: "same", within: Some((0.0, 100.0))
        },
        /// likewise
        pub(super) disable_span_reporting as "disableSpanReporting": bool { istio: "same" },
        /// likewise
        pub(super) use_request_id as "useRequestIdForTraceSampling": bool { istio: "same" },
        /// likewise
        pub(super) enable_istio_tags as "enableIstioTags": bool { istio: "same" },
        /// likewise
        pub(super) disable_context_propagation as "disableContextPropagation": bool { istio: "same" },
    }
}

fields! {
    /// Istio's `accessLogging`.
    pub(super) struct LoggingWire as "AccessLogging" {
        /// for which side
        _match as "match": ModeWire { istio: "same" },
        /// those of MeshConfig
        pub(super) providers: Vec<Option<ProviderWire>> { istio: "same" },
        /// whether it is off
        _disabled as "disabled": bool { istio: "same" },
        /// for which requests
        pub(super) filter: FilterWire { istio: "same" },
    }
}

fields! {
    /// Which requests Istio logs.
    pub(super) struct FilterWire {
        /// for which requests; it must be CEL
        pub(super) expression: String { kind: "CEL", istio: "same" },
    }
}

fields! {
    /// Which side something is meant for.
    pub(super) struct ModeWire as "Mode" {
        /// a client's side, a server's, or both
        pub(super) mode: Mode { default: "both", istio: "same" },
    }
}

fields! {
    /// A provider of MeshConfig's.
    pub(super) struct ProviderWire as "ProviderRef" {
        /// must be set
        pub(super) name: String { istio: "same" },
    }
}

words! {
    /// For which side something is meant.
    #[derive(Default)]
    pub(super) enum Mode {
        #[default]
        Both = "CLIENT_AND_SERVER",
        Client = "CLIENT",
        Server = "SERVER",
    }
}

impl Mode {
    /// Whether it is meant for a client's side, and for a server's.
    pub(super) fn sides(self) -> [bool; 2] {
        [self != Mode::Server, self != Mode::Client]
    }
}
