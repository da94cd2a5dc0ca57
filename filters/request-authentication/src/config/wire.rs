//! The configuration as a user writes it: Istio's names, every field optional. Protobuf's JSON takes
//! a name in either spelling, so each of Istio's has its other one. What must be there, and what a
//! value may say, is checked afterwards.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// What a user writes: the `spec` of a RequestAuthentication, or the whole object, and our own
/// fields beside it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Wire {
    #[serde(alias = "jwt_rules")]
    pub(super) jwt_rules: Option<Vec<RuleWire>>,
    pub(super) selector: Option<SelectorWire>,
    #[serde(alias = "target_ref")]
    pub(super) target_ref: Option<TargetWire>,
    #[serde(alias = "target_refs")]
    pub(super) target_refs: Option<Vec<TargetWire>>,
    // The whole object.
    pub(super) api_version: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) metadata: Option<IgnoredAny>,
    pub(super) status: Option<IgnoredAny>,
    pub(super) spec: Option<SpecWire>,
    // Ours.
    pub(super) require_token: Option<bool>,
    pub(super) shadow: Option<bool>,
    pub(super) error_body: Option<ErrorBodyWire>,
    pub(super) token_cache_size: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct SpecWire {
    #[serde(alias = "jwt_rules")]
    pub(super) jwt_rules: Option<Vec<RuleWire>>,
    pub(super) selector: Option<SelectorWire>,
    #[serde(alias = "target_ref")]
    pub(super) target_ref: Option<TargetWire>,
    #[serde(alias = "target_refs")]
    pub(super) target_refs: Option<Vec<TargetWire>>,
}

/// Where Istio attaches the policy; here whoever loads the filter has decided that.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct SelectorWire {
    #[serde(alias = "match_labels")]
    pub(super) match_labels: Option<std::collections::BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct TargetWire {
    pub(super) group: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) name: Option<String>,
    pub(super) namespace: Option<String>,
}

/// Istio's JWTRule. `name`, `jwksCluster`, `cacheDuration`, `maxStale` and `clockSkew` are ours.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct RuleWire {
    pub(super) name: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) audiences: Option<Vec<String>>,
    #[serde(alias = "jwks_uri")]
    pub(super) jwks_uri: Option<String>,
    pub(super) jwks: Option<String>,
    #[serde(alias = "from_headers")]
    pub(super) from_headers: Option<Vec<HeaderWire>>,
    #[serde(alias = "from_params")]
    pub(super) from_params: Option<Vec<String>>,
    #[serde(alias = "from_cookies")]
    pub(super) from_cookies: Option<Vec<String>>,
    #[serde(alias = "output_payload_to_header")]
    pub(super) output_payload_to_header: Option<String>,
    #[serde(alias = "forward_original_token")]
    pub(super) forward_original_token: Option<bool>,
    #[serde(alias = "output_claim_to_headers")]
    pub(super) output_claim_to_headers: Option<Vec<ClaimWire>>,
    pub(super) timeout: Option<String>,
    #[serde(alias = "space_delimited_claims")]
    pub(super) space_delimited_claims: Option<Vec<String>>,
    pub(super) jwks_cluster: Option<String>,
    pub(super) cache_duration: Option<String>,
    pub(super) max_stale: Option<String>,
    pub(super) clock_skew: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct HeaderWire {
    pub(super) name: Option<String>,
    pub(super) prefix: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct ClaimWire {
    pub(super) header: Option<String>,
    pub(super) claim: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct ErrorBodyWire {
    pub(super) content_type: Option<String>,
    pub(super) text: Option<String>,
}
