//! The configuration as a user writes it: Istio's names, every field optional. What must be there,
//! and what a value may say, is checked afterwards.

use sdk_helpers::config::kind::{DurationText, Elsewhere, FieldKind, Map, NameText};
use sdk_helpers::config::table::Type;
use sdk_helpers::config::{Node, SelectorWire, TargetRefWire};
use sdk_helpers::fields;
use serde_json::Value;

fields! {
    /// What a user writes: the fields of a RequestAuthentication's `spec`, and our own beside them.
    pub struct Wire {
        /// one for each issuer and set of keys
        pub(super) jwt_rules as "jwtRules": Vec<RuleWire> [spec] {
            kind: "list, ≤ 4,096", default: "must be there, see [below](#what-is-empty)", istio: "same"
        },
        // Where it applies was checked with the object it stands in.
        /// checked as in Istio, and changes nothing: the filter works where it is loaded
        _selector as "selector": Elsewhere<SelectorWire> [spec] { istio: "same" },
        /// checked as in Istio, and changes nothing: the filter works where it is loaded
        _target_ref as "targetRef": Elsewhere<TargetRefWire> [spec] { istio: "same" },
        /// checked as in Istio, and changes nothing: the filter works where it is loaded
        _target_refs as "targetRefs": Elsewhere<Vec<TargetRefWire>> [spec] { istio: "same" },
        /// a request without a token is 401, not anonymous
        pub(super) require_token as "requireToken": bool { default: "false", istio: "ours" },
        /// who would be refused is counted and passes
        pub(super) shadow: bool { default: "false", istio: "ours" },
        /// what a refusal says; `{}` is `application/problem+json`
        pub(super) error_body as "errorBody": ErrorBodyWire { default: "Envoy's text", istio: "ours" },
        /// a longer token is refused unread. Envoy itself takes no more than 60 KiB of headers unless told to
        pub(super) max_token_size as "maxTokenSize": u32 {
            kind: "1 to 61,440 bytes", default: "16,384", istio: "ours", within: Some((1.0, 61_440.0))
        },
        /// verified tokens remembered in each worker, see [below](#what-it-costs)
        pub(super) token_cache_size as "tokenCacheSize": u32 {
            kind: "0 to 100,000", default: "1,000", istio: "Envoy `jwt_cache_size`", within: Some((0.0, 100_000.0))
        },
    }
}

fields! {
    /// Istio's JWTRule. `name`, `jwksCluster`, `cacheDuration`, `maxStale`, `clockSkew` and
    /// `allowPadding` are ours.
    pub(super) struct RuleWire {
        /// names the rule in reason, log and metric
        pub(super) name: NameText { default: "`jwt-<index>`", istio: "ours" },
        /// what `iss` must be, byte for byte. Empty, beside `jwksUri`, takes any
        pub(super) issuer: String { istio: "same" },
        /// one of them must be in `aud`; a scheme before and a slash behind do not count
        pub(super) audiences: Vec<String> { default: "any", istio: "same" },
        /// where the keys are fetched. Without it and `jwks`,
        /// `<issuer>/.well-known/openid-configuration` says where; the issuer must be a URL
        pub(super) jwks_uri as "jwksUri": String {
            kind: "`http`, `https` URL without user and password", istio: "same"
        },
        /// the keys. Beside `jwksUri`: until others are fetched, and when those are too old
        pub(super) jwks: KeySetText {
            kind: "JSON text, or the mapping itself", istio: "JSON text is the same; a mapping and both are ours"
        },
        /// headers that have tokens
        pub(super) from_headers as "fromHeaders": Vec<HeaderWire> {
            default: "see [below](#where-tokens-are-looked-for)", istio: "same"
        },
        /// parameters of the query that are tokens
        pub(super) from_params as "fromParams": Vec<String> {
            kind: "list of names", default: "see [below](#where-tokens-are-looked-for)", istio: "same"
        },
        /// cookies that are tokens
        pub(super) from_cookies as "fromCookies": Vec<String> {
            kind: "list of names", default: "see [below](#where-tokens-are-looked-for)", istio: "same"
        },
        /// the payload goes there, as it stands in the token
        pub(super) output_payload_to_header as "outputPayloadToHeader": String { kind: "header name", istio: "same" },
        /// whether the upstream sees the token
        pub(super) forward_original_token as "forwardOriginalToken": bool { default: "false", istio: "same" },
        /// claims that go to headers
        pub(super) output_claim_to_headers as "outputClaimToHeaders": Vec<ClaimWire> { istio: "same" },
        /// of a fetch, and the longest a request waits for keys
        pub(super) timeout: DurationText { kind: "duration, whole ms, ≥ 1 ms", default: "`5s`", istio: "same" },
        /// texts that are lists of words to later filters, besides `scope` and `permission`
        pub(super) space_delimited_claims as "spaceDelimitedClaims": Vec<String> {
            kind: "list of names, ≤ 64", istio: "same"
        },
        /// the Envoy cluster the keys are fetched through; with discovery, both documents
        pub(super) jwks_cluster as "jwksCluster": String {
            kind: "cluster name", default: "`outbound|<port>||<host>`", istio: "Envoy `http_uri.cluster`"
        },
        /// when keys are fetched again
        pub(super) cache_duration as "cacheDuration": DurationText {
            kind: "duration, ≥ 1 s", default: "`5m`", istio: "Envoy `cache_duration`"
        },
        /// how long keys count that could not be fetched again
        pub(super) max_stale as "maxStale": DurationText { default: "`24h`", istio: "ours" },
        /// how far clocks may be apart
        pub(super) clock_skew as "clockSkew": DurationText {
            kind: "duration, whole seconds", default: "`60s`", istio: "Envoy `clock_skew_seconds`"
        },
        /// takes tokens whose parts have the `=` that base64 pads with, as AWS's load balancers write
        /// them; exactly as many as belong there
        pub(super) allow_padding as "allowPadding": bool { default: "false", istio: "Envoy always does" },
    }
}

fields! {
    /// A header that has a token.
    pub(super) struct HeaderWire {
        /// the header
        pub(super) name: String { kind: "header name", istio: "same" },
        /// what stands before the token
        pub(super) prefix: String { default: "nothing", istio: "same" },
    }
}

fields! {
    /// A header for a claim.
    pub(super) struct ClaimWire {
        /// the header
        pub(super) header: String { kind: "header name", istio: "same" },
        /// the claim: `sub`, `realm.roles`; `[a.b][c]` and `https://a/b` for names with dots (ours)
        pub(super) claim: String { istio: "same" },
    }
}

fields! {
    /// What a refusal says in place of Envoy's text. gRPC gets the message.
    pub(super) struct ErrorBodyWire {
        /// its `content-type`; `text` must be there too
        pub(super) content_type as "contentType": String { default: "`application/problem+json`", istio: "ours" },
        /// its text, in which `%STATUS%`, `%REASON%` and `%MESSAGE%` are filled in. gRPC gets the message
        pub(super) text: String { default: "a problem of RFC 9457", istio: "ours" },
    }
}

/// A key set: JSON text, or the mapping itself.
#[derive(Debug)]
pub(super) struct KeySetText;

impl FieldKind for KeySetText {
    type Value = Value;

    fn read(node: Node<'_>) -> Value {
        Value::read(node)
    }

    fn describe() -> Type {
        Type::Either(vec![String::describe(), Map::<Value>::describe()])
    }
}
