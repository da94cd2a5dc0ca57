//! A part of a key as a user writes it.

use sdk_helpers::config::kind::Empty;
use sdk_helpers::fields;

fields! {
    /// One part of a key: exactly one of its fields, and perhaps `descriptorKey`.
    pub(in crate::config) struct PartWire as "part" {
        /// a verified claim: `sub`, `realm.roles`, or `[a.b][c]` for names with dots. Text as it is, anything
        /// else as JSON
        pub(in crate::config) claim: String { default: "the claim's name as written" },
        /// the first value
        pub(in crate::config) header: String { default: "the header's name" },
        /// the first cookie of this name
        pub(in crate::config) cookie: String { default: "the cookie's name" },
        /// the first parameter of this name, both percent-decoded
        pub(in crate::config) query: String { default: "the parameter's name" },
        /// the path without its query, as Envoy's path normalization left it: not percent-decoded, so that
        /// `/a` and `/%61` are two keys where that does not make them one
        pub(in crate::config) path: Empty { default: "`path`" },
        /// the first template that the path is an instance of: all orders are one key
        pub(in crate::config) path_templates as "pathTemplates": Vec<String> { default: "`path`" },
        /// the method
        pub(in crate::config) method: Empty { default: "`method`" },
        /// `:authority` in lower case, without port
        pub(in crate::config) host: Empty { default: "`host`" },
        /// the client's address as Envoy trusts it; `v4PrefixMaskLen` and `v6PrefixMaskLen` say how much of it;
        /// for the service `10.1.2.3`, or `10.1.2.0/24`
        pub(in crate::config) remote_address as "remoteAddress": MaskWire { default: "`remote_address`" },
        /// the URI SAN of the peer's certificate without `spiffe://`
        pub(in crate::config) principal: Empty { default: "`principal`" },
        /// the cluster that the route names
        pub(in crate::config) destination: Empty { default: "`destination_cluster`" },
        /// that text
        pub(in crate::config) constant: String { default: "`generic_key`" },
        /// what the service is told that the part is
        pub(in crate::config) descriptor_key as "descriptorKey": String,
    }
}

fields! {
    /// How much of an address counts. Envoy's names.
    pub(in crate::config) struct MaskWire {
        /// the leading bits of an IPv4 address that count
        pub(in crate::config) v4_prefix_mask_len as "v4PrefixMaskLen": u32 {
            default: "32", within: Some((0.0, 32.0))
        },
        /// the leading bits of an IPv6 address that count: by default those of one subscriber
        pub(in crate::config) v6_prefix_mask_len as "v6PrefixMaskLen": u32 {
            default: "64", within: Some((0.0, 128.0))
        },
    }
}
