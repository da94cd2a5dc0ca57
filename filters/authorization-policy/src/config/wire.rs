//! The configuration as a user writes it: Istio's names, every field optional. What must be there,
//! and what a value may say, is checked afterwards.

use sdk_helpers::config::kind::{Elsewhere, NameText};
use sdk_helpers::config::{SelectorWire, TargetRefWire};
use sdk_helpers::{fields, words};

use super::lists::{Operation, Source};
use super::providers::ProviderWire;

fields! {
    /// What a user writes. `trustDomain`, `trustDomainAliases` and `extensionProviders` are those of
    /// Istio's MeshConfig.
    pub struct Wire {
        /// the mesh's own trust domain
        pub(super) trust_domain as "trustDomain": String { default: "`cluster.local`", istio: "MeshConfig" },
        /// a principal of one of these is a principal of all
        pub(super) trust_domain_aliases as "trustDomainAliases": Vec<String> { default: "none", istio: "MeshConfig" },
        /// the services CUSTOM policies ask: [CUSTOM.md](CUSTOM.md)
        pub(super) extension_providers as "extensionProviders": Vec<ProviderWire> {
            kind: "list", default: "none", istio: "MeshConfig"
        },
        /// every client certificate has one URI SAN; see [below](#what-envoy-does-not-show)
        pub(super) single_uri_san as "singleUriSan": bool { default: "false", istio: "ours" },
        /// with `policies: []`, that every request is to be allowed; without it, a configuration without
        /// policies is refused
        pub(super) allow_all as "allowAll": bool { default: "false", istio: "ours" },
        /// the policies, all of which apply; none at all is refused, see `allowAll`
        pub(super) policies: Vec<PolicyWire> { istio: "AuthorizationPolicy" },
    }
}

fields! {
    /// A policy: its name and namespace beside the fields of Istio's `spec`.
    pub(super) struct PolicyWire {
        /// what becomes of what matches; see below
        pub(super) action: ActionWire [spec] { default: "`ALLOW`", istio: "same" },
        pub(super) provider: ProviderNameWire [spec],
        /// any of them; `{}` matches every request
        pub(super) rules: Vec<Option<RuleWire>> [spec] { default: "never matches", istio: "same" },
        // Where it applies was checked with the object it stands in.
        /// checked as in Istio, and of no effect: the filter works wherever it is loaded
        _selector as "selector": Elsewhere<SelectorWire> [spec] { istio: "same" },
        /// checked as in Istio, and of no effect: the filter works wherever it is loaded
        _target_ref as "targetRef": Elsewhere<TargetRefWire> [spec] { istio: "same" },
        /// checked as in Istio, and of no effect: the filter works wherever it is loaded
        _target_refs as "targetRefs": Elsewhere<Vec<TargetRefWire>> [spec] { istio: "same" },
        /// names the policy in reason, log and metric; with its namespace one policy's alone, whatever it does
        pub(super) name: NameText { default: "`policy-<index>`", istio: "`metadata.name`" },
        /// the namespace of `serviceAccounts` that name none; part of the name in reasons
        pub(super) namespace: NameText { default: "none", istio: "`metadata.namespace`" },
        /// counted, logged and in filter state, not enforced; ALLOW and DENY only
        pub(super) dry_run as "dryRun": bool {
            default: "false", istio: "annotation `istio.io/dry-run`, which is read too"
        },
    }
}

words! {
    pub(super) enum ActionWire {
        Allow = "ALLOW",
        Deny = "DENY",
        Audit = "AUDIT",
        Custom = "CUSTOM",
    }
}

fields! {
    /// Which provider a CUSTOM policy asks.
    pub(super) struct ProviderNameWire {
        /// for CUSTOM: one of `extensionProviders`
        pub(super) name: String { istio: "same" },
    }
}

fields! {
    /// A rule: any of `from`, any of `to`, and all of `when`.
    pub(super) struct RuleWire {
        pub(super) from: Vec<Option<FromWire>>,
        pub(super) to: Vec<Option<ToWire>>,
        /// all of them
        pub(super) when: Vec<Option<WhenWire>> { default: "nothing more", istio: "same" },
    }
}

fields! {
    /// Who sends a request.
    pub(super) struct FromWire {
        /// any of the sources, all [lists](#lists) of one
        pub(super) source: Source { kind: "lists", default: "anybody", istio: "same" },
    }
}

fields! {
    /// What a request asks for.
    pub(super) struct ToWire {
        /// any of the operations, all [lists](#lists) of one
        pub(super) operation: Operation { kind: "lists", default: "anything", istio: "same" },
    }
}

fields! {
    /// What else must hold.
    pub(super) struct WhenWire {
        /// what is compared: one of the [keys](#lists) below
        pub(super) key: String { istio: "same" },
        /// with what; any of them
        pub(super) values: Vec<String> { istio: "same" },
        /// none of them; one of the two must be there
        pub(super) not_values as "notValues": Vec<String> { istio: "same" },
    }
}
