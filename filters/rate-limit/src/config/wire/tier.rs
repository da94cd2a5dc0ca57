//! `tiers[]` as a user writes it.

use sdk_helpers::config::kind::DurationText;
use sdk_helpers::fields;
use sdk_helpers::matcher::BlocksWire;

fields! {
    /// Callers with a quota of their own.
    pub(in crate::config) struct TierWire {
        /// who is in it: a claim or a header with `values` or a text, or addresses
        pub(in crate::config) when: WhenWire { kind: "[when](#tiers)" },
        /// in place of `requests`, `per` and `burst`: the limit does not count requests of this tier, nor asks
        /// them for a key
        pub(in crate::config) unlimited: bool { default: "false" },
        /// as those of the limit
        pub(in crate::config) requests: u32 { within: Some((1.0, f64::INFINITY)) },
        /// as those of the limit
        pub(in crate::config) per: DurationText { kind: "duration, ≥ 1 ms" },
        /// as those of the limit
        pub(in crate::config) burst: u32 { default: "`requests`", within: Some((1.0, f64::INFINITY)) },
    }
}

fields! {
    /// A condition on the caller: a `claim` or a `header`, and what it shall be; or where it comes from.
    pub(in crate::config) struct WhenWire as "when" {
        /// a verified claim
        pub(in crate::config) claim: String,
        /// a header
        pub(in crate::config) header: String,
        /// the claim is one of these, or a list with one, or a value of the header is. As in
        /// AuthorizationPolicy `gold*` is what begins so, `*gold` what ends so, and `*` any text but the empty
        /// one; of a header `*` asks only that it is there
        pub(in crate::config) values: Vec<String>,
        /// in place of `values`: the whole of it
        pub(in crate::config) exact: String,
        /// in place of `values`: its beginning
        pub(in crate::config) prefix: String,
        /// in place of `values`: its end
        pub(in crate::config) suffix: String,
        /// in place of `values`: a part of it
        pub(in crate::config) contains: String,
        /// in place of `values`: RE2 syntax over bytes; the whole of it must match
        pub(in crate::config) regex: String,
        /// the client's address is in a block, as in `match`
        pub(in crate::config) source_cidr as "sourceCIDR": BlocksWire,
        /// the client's address is in none of the blocks, as in `match`
        pub(in crate::config) not_source_cidr as "notSourceCIDR": BlocksWire,
    }
}
