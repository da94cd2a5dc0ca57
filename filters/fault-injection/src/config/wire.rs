//! The configuration as a user writes it: Istio's names, every field optional. What must be there,
//! and what a value may say, is checked afterwards.

use sdk_helpers::config::spelling;
use sdk_helpers::matcher::HttpMatchWire;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::percentage::PercentageWire;

/// What a user writes.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Wire {
    pub(super) http: Option<Vec<RouteWire>>,
    pub(super) max_active_faults: Option<u32>,
    // What else a VirtualService may hold; it was spoken of with the object it stands in.
    pub(super) hosts: Option<IgnoredAny>,
    pub(super) gateways: Option<IgnoredAny>,
    pub(super) tls: Option<IgnoredAny>,
    pub(super) tcp: Option<IgnoredAny>,
    pub(super) export_to: Option<IgnoredAny>,
}

/// One `http` entry of a VirtualService. `expires`, `shadow` and `maxActiveFaults` are ours.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct RouteWire {
    pub(super) name: Option<String>,
    pub(super) r#match: Option<Vec<HttpMatchWire>>,
    pub(super) fault: Option<FaultWire>,
    #[serde(deserialize_with = "spelling")]
    pub(super) expires: Option<String>,
    pub(super) shadow: Option<bool>,
    pub(super) max_active_faults: Option<u32>,
    // What else an entry of a VirtualService may hold. It routes, and a filter does not.
    pub(super) route: Option<IgnoredAny>,
    pub(super) redirect: Option<IgnoredAny>,
    pub(super) direct_response: Option<IgnoredAny>,
    pub(super) delegate: Option<IgnoredAny>,
    pub(super) rewrite: Option<IgnoredAny>,
    pub(super) timeout: Option<IgnoredAny>,
    pub(super) retries: Option<IgnoredAny>,
    pub(super) mirror: Option<IgnoredAny>,
    pub(super) mirrors: Option<IgnoredAny>,
    pub(super) mirror_percent: Option<IgnoredAny>,
    pub(super) mirror_percentage: Option<IgnoredAny>,
    pub(super) cors_policy: Option<IgnoredAny>,
    pub(super) headers: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct FaultWire {
    pub(super) delay: Option<DelayWire>,
    pub(super) abort: Option<AbortWire>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct DelayWire {
    pub(super) percentage: Option<PercentageWire>,
    pub(super) percent: Option<i32>,
    #[serde(deserialize_with = "spelling")]
    pub(super) fixed_delay: Option<String>,
    pub(super) exponential_delay: Option<String>,
    pub(super) header_delay: Option<Empty>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct AbortWire {
    pub(super) percentage: Option<PercentageWire>,
    /// What only a delay has.
    pub(super) percent: Option<f64>,
    pub(super) http_status: Option<i64>,
    #[serde(deserialize_with = "spelling")]
    pub(super) grpc_status: Option<String>,
    pub(super) http2_error: Option<String>,
    pub(super) header_abort: Option<Empty>,
}

/// Envoy's empty messages: being there is all they say.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Empty {}
