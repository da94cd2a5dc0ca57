//! Tags as a user writes them: `tags[]`, and `customTags` of Istio's `tracing`.

use sdk_helpers::fields;

fields! {
    /// A tag of ours: exactly one source, and what becomes of its value.
    pub(in crate::config) struct TagWire {
        pub(in crate::config) literal: LiteralWire,
        pub(in crate::config) environment: EnvironmentWire,
        pub(in crate::config) header: HeaderWire,
        pub(in crate::config) formatter: FormatterWire,
        /// see [expressions](#expressions)
        pub(in crate::config) expression: String { kind: "CEL", istio: "ours" },
        /// no name of Istio's labels, and no two that are one to Prometheus (`a-b`, `a_b`); so for `customTags`
        /// and `tagOverrides`
        pub(in crate::config) name: String { kind: "text of `A-Z a-z 0-9 . _ - /`", istio: "ours" },
        /// of the value, taken as a path, the first template that matches stands for it; `{id}` is one segment,
        /// `{**}` any number, of whatever characters. Empty: values as they are. The last one should be `/{**}`,
        /// which stands for every other value; without it the log warns
        pub(in crate::config) templates: Vec<String> { default: "none", istio: "ours" },
        /// the most values, over all workers
        pub(in crate::config) max_values as "maxValues": u32 {
            default: "100", istio: "ours", within: Some((1.0, 10_000.0))
        },
        /// stands for every value beyond
        pub(in crate::config) overflow: String { default: "`other`", istio: "ours" },
        /// false: for logs and spans only, and then without a ceiling
        pub(in crate::config) label: bool { default: "true", istio: "ours" },
        /// a claim of the token that [request-authentication](../request-authentication/README.md) or `jwt_authn`
        /// verified: text, a number, true or false; of a list those with `,` between them. Any other value, and
        /// no token, is no tag
        pub(in crate::config) claim: String { kind: "`plan`, `realm.roles`, `[a.b][c]`", istio: "ours" },
    }
}

fields! {
    /// One of Istio's `customTags`: exactly one source.
    pub(in crate::config) struct CustomTagWire as "tag" {
        pub(in crate::config) literal: LiteralWire,
        pub(in crate::config) environment: EnvironmentWire,
        pub(in crate::config) header: HeaderWire,
        pub(in crate::config) formatter: FormatterWire,
    }
}

fields! {
    /// A text.
    pub(in crate::config) struct LiteralWire {
        /// always the same
        pub(in crate::config) value: String { istio: "as in `customTags`" },
    }
}

fields! {
    /// A variable of the VM, read at load.
    pub(in crate::config) struct EnvironmentWire {
        /// a variable of the VM, read at load: Envoy passes on what `vm_config.environment_variables` lists
        pub(in crate::config) name: String { istio: "same, of the proxy" },
        /// where there is no such variable
        pub(in crate::config) default_value as "defaultValue": String { istio: "same" },
    }
}

fields! {
    /// A request header.
    pub(in crate::config) struct HeaderWire {
        /// the first value of a request header
        pub(in crate::config) name: String { istio: "same" },
        /// where there is no such header
        pub(in crate::config) default_value as "defaultValue": String { istio: "same" },
    }
}

fields! {
    /// Envoy's format of an access log.
    pub(in crate::config) struct FormatterWire {
        /// `%REQ(a?b):9%`, `%RESP(a)%`, `%FILTER_STATE(key:PLAIN)%` and operators without arguments, each as Envoy
        /// writes it in a span; an unknown one is refused with the list
        pub(in crate::config) value: String { istio: "same, all of Envoy's" },
    }
}
