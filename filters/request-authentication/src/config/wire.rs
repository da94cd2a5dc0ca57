//! The configuration as a user writes it: Istio's names, every field optional. What must be there,
//! and what a value may say, is checked afterwards.

use sdk_helpers::config::spelling;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// What a user writes: the fields of a RequestAuthentication's `spec`, and our own beside them.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Wire {
    pub(super) jwt_rules: Option<Vec<RuleWire>>,
    // Where it applies was checked with the object it stands in.
    pub(super) selector: Option<IgnoredAny>,
    pub(super) target_ref: Option<IgnoredAny>,
    pub(super) target_refs: Option<IgnoredAny>,
    // Ours.
    pub(super) require_token: Option<bool>,
    pub(super) shadow: Option<bool>,
    pub(super) error_body: Option<ErrorBodyWire>,
    pub(super) max_token_size: Option<u32>,
    pub(super) token_cache_size: Option<u32>,
}

/// Istio's JWTRule. `name`, `jwksCluster`, `cacheDuration`, `maxStale`, `clockSkew` and
/// `allowPadding` are ours.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct RuleWire {
    pub(super) name: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) audiences: Option<Vec<String>>,
    pub(super) jwks_uri: Option<String>,
    /// JSON text, or the mapping itself.
    pub(super) jwks: Option<Value>,
    pub(super) from_headers: Option<Vec<HeaderWire>>,
    pub(super) from_params: Option<Vec<String>>,
    pub(super) from_cookies: Option<Vec<String>>,
    pub(super) output_payload_to_header: Option<String>,
    pub(super) forward_original_token: Option<bool>,
    pub(super) output_claim_to_headers: Option<Vec<ClaimWire>>,
    #[serde(deserialize_with = "spelling")]
    pub(super) timeout: Option<String>,
    pub(super) space_delimited_claims: Option<Vec<String>>,
    pub(super) jwks_cluster: Option<String>,
    #[serde(deserialize_with = "spelling")]
    pub(super) cache_duration: Option<String>,
    #[serde(deserialize_with = "spelling")]
    pub(super) max_stale: Option<String>,
    #[serde(deserialize_with = "spelling")]
    pub(super) clock_skew: Option<String>,
    pub(super) allow_padding: Option<bool>,
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
