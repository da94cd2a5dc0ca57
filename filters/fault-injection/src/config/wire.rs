//! The configuration as a user writes it: Istio's names, every field optional. What must be there,
//! and what a value may say, is checked afterwards.

use sdk_helpers::config::kind::{Anything, DurationText, Empty, NameText, Spelling, TimeText};
use sdk_helpers::fields;
use sdk_helpers::matcher::HttpMatchWire;

use crate::percentage::PercentageWire;

fields! {
    /// What a user writes: the fields of a VirtualService's `spec`, and `maxActiveFaults`.
    pub struct Wire {
        /// the entries
        pub(super) http: Vec<RouteWire> [spec] {
            default: "none: harmless, and said in the log", istio: "`VirtualService.http[]`"
        },
        /// no new fault while so many requests are held, over all workers; 0 is none at all
        pub(super) max_active_faults as "maxActiveFaults": u32 {
            kind: "whole number", default: "no limit", istio: "Envoy `max_active_faults`"
        },
        // What else a VirtualService may hold; it is spoken of with the object it stands in.
        _hosts as "hosts": Anything [spec: "changes nothing here: the entries are for every request that \
            passes this filter; for some hosts alone give them a `match` with `authority`"] { istio: "same" },
        _gateways as "gateways": Anything [spec: "changes nothing here: the filter works wherever it is loaded"] {
            istio: "same"
        },
        _tls as "tls": Anything [spec: "changes nothing here: this filter sees HTTP"] { istio: "same" },
        _tcp as "tcp": Anything [spec: "changes nothing here: this filter sees HTTP"] { istio: "same" },
        _export_to as "exportTo": Anything [spec: "changes nothing here: the filter works wherever it is loaded"] {
            istio: "same"
        },
    }
}

fields! {
    /// One `http` entry of a VirtualService. `expires`, `shadow` and `maxActiveFaults` are ours.
    pub(super) struct RouteWire {
        /// names the rule in reason, log and metric
        pub(super) name: NameText { default: "`http-<index>`", istio: "`name`" },
        /// any of them; see [match](#match)
        pub(super) r#match as "match": Vec<HttpMatchWire> {
            default: "every request, also where the list is empty", istio: "`match`"
        },
        pub(super) fault: FaultWire,
        /// from then on the entry matches but injects nothing
        pub(super) expires: TimeText { default: "never", istio: "ours" },
        /// counted and logged, not done
        pub(super) shadow: bool { default: "false", istio: "ours" },
        /// for this entry
        pub(super) max_active_faults as "maxActiveFaults": u32 {
            kind: "whole number", default: "the one below", istio: "Envoy `max_active_faults`, per route"
        },
        // What else an entry of a VirtualService may hold. It routes, and a filter does not.
        pub(super) route: Anything,
        pub(super) redirect: Anything,
        pub(super) direct_response as "directResponse": Anything,
        pub(super) delegate: Anything,
        pub(super) rewrite: Anything,
        pub(super) timeout: Anything,
        pub(super) retries: Anything,
        pub(super) mirror: Anything,
        pub(super) mirrors: Anything,
        pub(super) mirror_percent as "mirrorPercent": Anything,
        pub(super) mirror_percentage as "mirrorPercentage": Anything,
        pub(super) cors_policy as "corsPolicy": Anything,
        pub(super) headers: Anything,
    }
}

fields! {
    /// A delay, an answer in the upstream's place, or both.
    pub(super) struct FaultWire {
        pub(super) delay: DelayWire,
        pub(super) abort: AbortWire,
    }
}

fields! {
    /// How long requests are held, and how many of them.
    pub(super) struct DelayWire {
        pub(super) percentage: PercentageWire,
        /// the deprecated form, used where `percentage` is absent; beyond 0–100 it always fires, as in Istio
        pub(super) percent: i32 { kind: "whole number", istio: "same" },
        /// how long the request is held
        pub(super) fixed_delay as "fixedDelay": DurationText { kind: "duration, whole ms, ≥ 1 ms", istio: "same" },
        pub(super) exponential_delay as "exponentialDelay": String { refused: true },
        /// in place of `fixedDelay`: `x-envoy-fault-delay-request` says how many ms; its share can be
        /// [lowered](#by-header) by `x-envoy-fault-delay-request-percentage`
        pub(super) header_delay as "headerDelay": Empty { istio: "Envoy `header_delay`" },
    }
}

fields! {
    /// Which answer requests get, and how many of them.
    pub(super) struct AbortWire {
        pub(super) percentage: PercentageWire,
        // What only a delay has.
        pub(super) percent: f64 { refused: true },
        /// the answer's status
        pub(super) http_status as "httpStatus": i64 { istio: "same", within: Some((200.0, 599.0)) },
        /// the answer's `grpc-status`
        pub(super) grpc_status as "grpcStatus": Spelling {
            kind: "a name, `UNAVAILABLE`", istio: "same", words: &crate::grpc::NAMES
        },
        pub(super) http2_error as "http2Error": String { refused: true },
        /// in place of a status: `x-envoy-fault-abort-request`, else `x-envoy-fault-abort-grpc-request`; its
        /// share can be [lowered](#by-header) by `x-envoy-fault-abort-request-percentage`
        pub(super) header_abort as "headerAbort": Empty { istio: "Envoy `header_abort`" },
    }
}
