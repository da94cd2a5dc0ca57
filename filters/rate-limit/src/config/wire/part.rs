//! A part of a key as a user writes it.

use sdk_helpers::config::kind::Empty;
use sdk_helpers::fields;

fields! {
    /// One part of a key: exactly one of its fields, and perhaps `descriptorKey`.
    pub(in crate::config) struct PartWire as "part" {
        /// a verified claim: `sub`, `realm.roles`, or `[a.b][c]` for names with dots. Text as it is, anything
        /// else as JSON. Its `descriptorKey` is the claim's name as written
        pub(in crate::config) claim: String,
        /// the first value of the header of this name, which is its `descriptorKey`
        pub(in crate::config) header: String { kind: "header name" },
        /// the first cookie of this name, which is its `descriptorKey`
        pub(in crate::config) cookie: String,
        /// the first parameter of this name, both percent-decoded. Its `descriptorKey` is the parameter's name
        pub(in crate::config) query: String,
        /// the path without its query, as Envoy's path normalization left it: not percent-decoded, so that
        /// `/a` and `/%61` are two keys where that does not make them one. Its `descriptorKey` is `path`
        pub(in crate::config) path: Empty,
        /// the first template that the path is an instance of: all orders are one key. Its `descriptorKey` is `path`
        pub(in crate::config) path_templates as "pathTemplates": Vec<String>,
        /// the method. Its `descriptorKey` is `method`
        pub(in crate::config) method: Empty,
        /// `:authority` in lower case, without port. Its `descriptorKey` is `host`
        pub(in crate::config) host: Empty,
        /// the client's address as Envoy trusts it; `v4PrefixMaskLen` and `v6PrefixMaskLen` say how much of it;
        /// for the service `10.1.2.3`, or `10.1.2.0/24`. Its `descriptorKey` is `remote_address`
        pub(in crate::config) remote_address as "remoteAddress": MaskWire,
        /// the URI SAN of the peer's certificate without `spiffe://`. Its `descriptorKey` is `principal`
        pub(in crate::config) principal: Empty,
        /// the cluster that the route names. Its `descriptorKey` is `destination_cluster`
        pub(in crate::config) destination: Empty,
        /// that text. Its `descriptorKey` is `generic_key`
        pub(in crate::config) constant: String,
        /// beside one of the others: the key that the service is told for it
        pub(in crate::config) descriptor_key as "descriptorKey": String { default: "by the part" },
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
