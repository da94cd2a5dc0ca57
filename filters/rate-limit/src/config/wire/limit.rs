//! `limits[]` as a user writes it.

use sdk_helpers::config::kind::{DurationText, Map, NameText, Spelling};
use sdk_helpers::fields;
use sdk_helpers::matcher::HttpMatchWire;

use super::told::{Family, TellsOnOrFlag};
use super::{PartWire, TierWire};

/// At least one.
const POSITIVE: Option<(f64, f64)> = Some((1.0, f64::INFINITY));

fields! {
    /// A limit. It counts the requests that it matches.
    pub(in crate::config) struct LimitWire {
        /// names the limit in reason, log, metric and header; its buckets belong to it
        pub(in crate::config) name: NameText { default: "`limit-<index>`" },
        /// any of them; Istio's HTTPMatchRequest and more: pseudo headers (`headers: {":method": …}`, `:path`,
        /// `:authority`), `suffix` and `contains`, `claims` and `withoutClaims`, `sourceCIDR` and
        /// `notSourceCIDR`, [as fault-injection has it](../fault-injection/README.md#match)
        pub(in crate::config) r#match as "match": Vec<HttpMatchWire> {
            default: "every request, also where the list is empty"
        },
        /// what tells buckets apart; several [parts](#parts-of-a-key) are one key
        pub(in crate::config) key: Vec<PartWire> { kind: "list of parts", default: "one bucket" },
        /// the key of a request that lacks a part of `key`
        pub(in crate::config) fallback_key as "fallbackKey": Vec<PartWire> { kind: "list of parts" },
        /// what becomes of a request that [lacks a part of the key](#a-request-that-lacks-a-part-of-the-key)
        pub(in crate::config) on_missing_key as "onMissingKey": String {
            default: "`fallback` with a `fallbackKey`, else `shared`",
            words: &["fallback", "shared", "skip", "deny"],
        },
        /// how many tokens come back in the time of `per`, one after the other; at most a million a second
        pub(in crate::config) requests: u32 { within: POSITIVE },
        /// the time of `requests`
        pub(in crate::config) per: DurationText { kind: "duration, ≥ 1 ms" },
        /// the bucket's whole size: what an idle key may send at once. Full again within ten years
        pub(in crate::config) burst: u32 { default: "`requests`", within: POSITIVE },
        /// the first whose `when` holds replaces `requests`, `per` and `burst`; a key has one bucket, whichever
        /// tier
        pub(in crate::config) tiers: Vec<TierWire>,
        pub(in crate::config) cost: CostWire,
        /// counted beside the limit, in buckets of its own, on requests of no tier; where it is of another
        /// opinion the reason says so; never enforced
        pub(in crate::config) candidate: QuotaWire,
        /// counted, its refusals reported, not enforced
        pub(in crate::config) shadow: bool { default: "false" },
        /// of the requests, how many it is enforced on; for the others it is a shadow
        pub(in crate::config) enforced_percent as "enforcedPercent": f64 {
            default: "100", within: Some((0.0, 100.0))
        },
        /// of a refusal
        pub(in crate::config) status: u32 { default: "429", within: Some((400.0, 599.0)) },
        /// of a refusal; the `grpc-message` for gRPC
        pub(in crate::config) body: String { default: "`local_rate_limited`" },
        /// added to a refusal, one of [ours](#answers) in its place
        pub(in crate::config) headers: Map<String> { kind: "names to values" },
        /// of a refusal of gRPC
        pub(in crate::config) grpc_status as "grpcStatus": Spelling {
            default: "`RESOURCE_EXHAUSTED`", words: &["RESOURCE_EXHAUSTED", "UNAVAILABLE"]
        },
        /// which [answers](#answers) tell how much is left; `true` is `all`, `false` is `none`. `retry-after` is on
        /// refusals all the same
        pub(in crate::config) rate_limit_headers as "rateLimitHeaders": TellsOnOrFlag { default: "`all`" },
        /// by which headers: `x-ratelimit-*` as Envoy has them, `ratelimit` and `ratelimit-policy` as the IETF's draft
        pub(in crate::config) rate_limit_header_families as "rateLimitHeaderFamilies": Vec<Family> {
            default: "both"
        },
        /// keys that have a bucket of their own; about 45 bytes each, made when first used and never freed
        pub(in crate::config) max_keys as "maxKeys": u32 { default: "4096", within: Some((1.0, 1_048_576.0)) },
        /// counted by the service of [`global`](#global)
        pub(in crate::config) global: bool { default: "false" },
    }
}

fields! {
    /// How many tokens a request takes.
    pub(in crate::config) struct CostWire {
        /// tokens a request takes
        pub(in crate::config) fixed: u32 { default: "1", within: POSITIVE },
        /// in place of `fixed`: a header says so. Of several values the largest counts
        pub(in crate::config) header: String { kind: "header name" },
        /// the least that the header can say
        pub(in crate::config) min: u32 { kind: "whole number", default: "1" },
        /// the most that it can say; must be given
        pub(in crate::config) max: u32 { kind: "whole number" },
        /// what a request without the header takes
        pub(in crate::config) default: u32 { kind: "whole number", default: "`min`" },
    }
}

fields! {
    /// How many requests in how much time.
    pub(in crate::config) struct QuotaWire {
        /// as those of the limit
        pub(in crate::config) requests: u32 { within: POSITIVE },
        /// as those of the limit
        pub(in crate::config) per: DurationText { kind: "duration, ≥ 1 ms" },
        /// as those of the limit
        pub(in crate::config) burst: u32 { default: "`requests`", within: POSITIVE },
    }
}
