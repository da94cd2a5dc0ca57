//! The configuration as a user writes it, every field optional. What must be there, and what a
//! value may say, is checked afterwards.

use std::collections::BTreeMap;

use sdk_helpers::config::spelling;
use sdk_helpers::matcher::{BlocksWire, HttpMatchWire};
use serde::Deserialize;

/// What a user writes.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Wire {
    pub(super) limits: Option<Vec<LimitWire>>,
    pub(super) unlimited: Option<bool>,
    pub(super) failure_mode: Option<String>,
    pub(super) global: Option<GlobalWire>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct LimitWire {
    pub(super) name: Option<String>,
    pub(super) r#match: Option<Vec<HttpMatchWire>>,
    pub(super) key: Option<Vec<PartWire>>,
    pub(super) fallback_key: Option<Vec<PartWire>>,
    pub(super) on_missing_key: Option<String>,
    pub(super) requests: Option<u32>,
    #[serde(deserialize_with = "spelling")]
    pub(super) per: Option<String>,
    pub(super) burst: Option<u32>,
    pub(super) tiers: Option<Vec<TierWire>>,
    pub(super) cost: Option<CostWire>,
    pub(super) candidate: Option<QuotaWire>,
    pub(super) shadow: Option<bool>,
    pub(super) enforced_percent: Option<f64>,
    pub(super) status: Option<u32>,
    pub(super) body: Option<String>,
    pub(super) headers: Option<BTreeMap<String, String>>,
    #[serde(deserialize_with = "spelling")]
    pub(super) grpc_status: Option<String>,
    pub(super) rate_limit_headers: Option<bool>,
    pub(super) max_keys: Option<u32>,
    pub(super) global: Option<bool>,
}

/// One part of a key: exactly one of its fields, and perhaps `descriptorKey`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct PartWire {
    pub(super) claim: Option<String>,
    pub(super) header: Option<String>,
    pub(super) cookie: Option<String>,
    pub(super) query: Option<String>,
    pub(super) path: Option<Empty>,
    pub(super) path_templates: Option<Vec<String>>,
    pub(super) method: Option<Empty>,
    pub(super) host: Option<Empty>,
    pub(super) remote_address: Option<MaskWire>,
    pub(super) principal: Option<Empty>,
    pub(super) destination: Option<Empty>,
    pub(super) constant: Option<String>,
    pub(super) descriptor_key: Option<String>,
}

/// Envoy's names.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct MaskWire {
    pub(super) v4_prefix_mask_len: Option<u32>,
    pub(super) v6_prefix_mask_len: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct TierWire {
    pub(super) when: Option<WhenWire>,
    pub(super) unlimited: Option<bool>,
    pub(super) requests: Option<u32>,
    #[serde(deserialize_with = "spelling")]
    pub(super) per: Option<String>,
    pub(super) burst: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct WhenWire {
    pub(super) claim: Option<String>,
    pub(super) header: Option<String>,
    pub(super) values: Option<Vec<String>>,
    pub(super) exact: Option<String>,
    pub(super) prefix: Option<String>,
    pub(super) suffix: Option<String>,
    pub(super) contains: Option<String>,
    pub(super) regex: Option<String>,
    #[serde(rename = "sourceCIDR")]
    pub(super) source_cidr: Option<BlocksWire>,
    #[serde(rename = "notSourceCIDR")]
    pub(super) not_source_cidr: Option<BlocksWire>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct CostWire {
    pub(super) fixed: Option<u32>,
    pub(super) header: Option<String>,
    pub(super) min: Option<u32>,
    pub(super) max: Option<u32>,
    pub(super) default: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct QuotaWire {
    pub(super) requests: Option<u32>,
    #[serde(deserialize_with = "spelling")]
    pub(super) per: Option<String>,
    pub(super) burst: Option<u32>,
}

/// Envoy's `ratelimit` filter, as far as it is not in the limits.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct GlobalWire {
    pub(super) domain: Option<String>,
    pub(super) cluster: Option<String>,
    #[serde(deserialize_with = "spelling")]
    pub(super) timeout: Option<String>,
    pub(super) failure_mode: Option<String>,
    pub(super) status_on_error: Option<u32>,
}

/// Being there is all it says.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Empty {}
