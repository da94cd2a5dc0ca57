//! The configuration as a user writes it, every field optional. What must be there, and what a
//! value may say, is checked afterwards.

mod limit;
mod part;
mod tier;
mod told;

use sdk_helpers::config::kind::DurationText;
use sdk_helpers::fields;

pub(super) use limit::{CostWire, LimitWire, QuotaWire};
pub(super) use part::{MaskWire, PartWire};
pub(super) use tier::{TierWire, WhenWire};
pub(super) use told::Family;
pub use told::TellsOn;

fields! {
    /// What a user writes.
    pub struct Wire {
        /// the limits. Without any the configuration is refused: it would let everything pass
        pub(super) limits: Vec<LimitWire> [spec],
        /// says that no limits at all are meant, beside `limits: []`
        pub(super) unlimited: bool { default: "false" },
        /// what a request gets whose count cannot be kept, because other workers changed it each of 32 times
        pub(super) failure_mode as "failureMode": String [spec] {
            default: "`deny`", words: &["deny", "allow"]
        },
        pub(super) global: GlobalWire [spec],
    }
}

fields! {
    /// Envoy's `ratelimit` filter, as far as it is not in the limits.
    pub(super) struct GlobalWire {
        /// whose limits the service is asked for
        pub(super) domain: String { istio: "Envoy `domain`" },
        /// Envoy's name of the service's cluster, which speaks HTTP/2
        pub(super) cluster: String { istio: "Envoy `rate_limit_service.grpc_service`" },
        /// for the call
        pub(super) timeout: DurationText { kind: "duration, ≥ 1 ms", default: "20ms", istio: "Envoy `timeout`" },
        /// without an answer
        pub(super) failure_mode as "failureMode": String {
            default: "`allow`", istio: "Envoy `failure_mode_deny`", words: &["allow", "deny"]
        },
        /// of a request refused for that
        pub(super) status_on_error as "statusOnError": u32 {
            default: "500", istio: "Envoy `status_on_error`", within: Some((400.0, 599.0))
        },
    }
}
