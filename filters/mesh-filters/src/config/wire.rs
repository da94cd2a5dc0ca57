//! The configuration as a user writes it.

use authorization_policy::AuthorizationPolicy;
use fault_injection::FaultInjection;
use rate_limit::RateLimit;
use request_authentication::RequestAuthentication;
use sdk_helpers::chain::Reasons;
use sdk_helpers::config::kind::{Anything, Elsewhere};
use sdk_helpers::{Filter, fields};
use telemetry_tags::TelemetryTags;

fields! {
    /// What each filter takes alone stands under its own name, in every way that it may be written there: its
    /// own shape, an object of Istio's, or a list of those. A filter that is not named does nothing.
    pub struct Wire {
        /// verifies tokens
        _tokens as "requestAuthentication": Elsewhere<<RequestAuthentication as Filter>::Wire> { kind: "[as alone](../request-authentication/README.md#configuration)", istio: "RequestAuthentication" },
        /// allows, denies, or asks a service; CUSTOM policies come before tokens, as in Istio
        _policies as "authorizationPolicy": Elsewhere<<AuthorizationPolicy as Filter>::Wire> { kind: "[as alone](../authorization-policy/README.md#configuration)", istio: "AuthorizationPolicy" },
        /// limits requests
        _limits as "rateLimit": Elsewhere<<RateLimit as Filter>::Wire> { kind: "[as alone](../rate-limit/README.md#configuration)", istio: "ours" },
        /// injects faults
        _faults as "faultInjection": Elsewhere<<FaultInjection as Filter>::Wire> { kind: "[as alone](../fault-injection/README.md#configuration)", istio: "VirtualService" },
        /// tags logs, spans and metrics
        _tags as "telemetryTags": Elsewhere<<TelemetryTags as Filter>::Wire> { kind: "[as alone](../telemetry-tags/README.md#configuration)", istio: "Telemetry" },
        /// objects of all these kinds in one list, as `kubectl get -o yaml` has them; they add to what stands
        /// under the names above
        _resources as "resources": Vec<Anything> { kind: "list of objects", default: "none", istio: "their kinds" },
        /// what goes into filter state for the access log and for other modules
        _filter_state as "filterState": FilterStateWire { istio: "ours" },
    }
}

fields! {
    /// What goes into filter state. What the filters of this module hand to each other does not depend on it.
    pub struct FilterStateWire {
        /// whether verified claims do, as `wasm.mesh_filters.claims`
        pub(super) claims: bool { default: "true", istio: "ours" },
        /// which reasons do, as `wasm.mesh_filters.<filter>`: `all`, or `refusals`, which are those of requests that
        /// a filter answers itself
        pub(super) reasons: Reasons { default: "`all`", istio: "ours" },
    }
}
