//! The rules, a file each. A new one is a file here, a line in the list below, and
//! `MESH_FILTERS_REWRITE=1 cargo test -p check` for its place in `docs/check-rules.md`.

mod after_router;
pub(crate) mod allow;
mod allows_nothing;
mod authorization;
mod cases;
mod claims_unverified;
mod contradicted;
mod delegated;
mod enforced;
mod exports;
mod fault_and_retries;
mod fault_never;
mod filter_refuses;
mod filter_warns;
mod gateway_hosts;
mod gateways;
mod gone;
mod hidden_subset;
mod istiod_warns;
mod limit_not_enforced;
mod limit_without_cluster;
mod limit_without_descriptors;
mod mesh_config;
mod no_clause;
mod not_at_gateway;
mod not_yaml;
mod old_filter_name;
mod one_of_two;
mod override_equal;
mod passed_through;
mod patched;
mod plaintext_to_strict;
mod policy_warns;
mod port_name;
mod principals_plaintext;
mod refused_authentication;
mod refused_authorization;
mod refused_destination_rule;
mod refused_envoy_filter;
mod refused_extension;
mod refused_gateway;
mod refused_peer_authentication;
mod refused_service_entry;
mod refused_sidecar;
mod refused_telemetry;
mod refused_virtual_service;
mod refused_workload;
mod resource;
mod route_covers;
mod route_shadowed;
mod routes;
mod rules_merged;
mod same_host;
mod same_server;
mod services;
mod shadowed;
mod static_nowhere;
mod subset;
mod subset_empty;
mod template;
mod tokens_optional;
mod unknown;
mod unknown_host;
mod validated;
mod weights;
mod whole_mesh;

use crate::rule::Rule;

static RULES: &[Rule] = &[
    not_yaml::RULE,
    template::RULE,
    unknown::RULE,
    allow::RULE,
    filter_refuses::RULE,
    filter_warns::RULE,
    refused_authorization::RULE,
    refused_authentication::RULE,
    refused_virtual_service::RULE,
    refused_telemetry::RULE,
    refused_envoy_filter::RULE,
    refused_extension::RULE,
    policy_warns::RULE,
    cases::RULE,
    refused_destination_rule::RULE,
    refused_gateway::RULE,
    refused_service_entry::RULE,
    refused_peer_authentication::RULE,
    refused_sidecar::RULE,
    refused_workload::RULE,
    istiod_warns::RULE,
    fault_never::RULE,
    allows_nothing::RULE,
    tokens_optional::RULE,
    principals_plaintext::RULE,
    claims_unverified::RULE,
    override_equal::RULE,
    after_router::RULE,
    old_filter_name::RULE,
    no_clause::RULE,
    limit_without_descriptors::RULE,
    limit_without_cluster::RULE,
    limit_not_enforced::RULE,
    gone::RULE,
    subset::RULE,
    weights::RULE,
    gateway_hosts::RULE,
    fault_and_retries::RULE,
    port_name::RULE,
    whole_mesh::RULE,
    shadowed::RULE,
    contradicted::RULE,
    route_shadowed::RULE,
    one_of_two::RULE,
    same_server::RULE,
    rules_merged::RULE,
    plaintext_to_strict::RULE,
    subset_empty::RULE,
    unknown_host::RULE,
    static_nowhere::RULE,
    delegated::RULE,
    not_at_gateway::RULE,
    mesh_config::RULE,
    same_host::RULE,
    hidden_subset::RULE,
    passed_through::RULE,
];

/// Every rule, by code.
#[must_use]
pub fn rules() -> &'static [Rule] {
    RULES
}

/// The rule of this code, in capitals or not.
#[must_use]
pub fn rule(code: &str) -> Option<&'static Rule> {
    RULES
        .iter()
        .find(|rule| rule.code.eq_ignore_ascii_case(code))
}
