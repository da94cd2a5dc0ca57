//! What each built module exports and imports: what Envoy needs, and no more.

use super::{BUILD, built, module};

/// The end of the list: what every module exports.
const ALWAYS: [&str; 7] = [
    "_initialize",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_memory_allocate",
    "proxy_on_vm_start",
];

/// A module, and the callbacks it exports besides [`ALWAYS`].
const MODULES: [(&str, &[&str]); 9] = [
    (
        "authorization-policy",
        &[
            "proxy_on_grpc_close",
            "proxy_on_grpc_receive",
            "proxy_on_http_call_response",
            "proxy_on_request_headers",
            // Headers that a provider wants in the response.
            "proxy_on_response_headers",
        ],
    ),
    ("beyond", &["proxy_on_request_headers"]),
    (
        "fault-injection",
        &[
            "proxy_on_queue_ready",
            "proxy_on_request_headers",
            "proxy_on_tick",
        ],
    ),
    (
        "mesh-filters",
        // Whatever any of its filters needs.
        &[
            "proxy_on_grpc_close",
            "proxy_on_grpc_receive",
            "proxy_on_http_call_response",
            "proxy_on_log",
            "proxy_on_queue_ready",
            "proxy_on_request_headers",
            "proxy_on_response_headers",
            "proxy_on_tick",
        ],
    ),
    ("noop", &["proxy_on_request_headers"]),
    (
        "probe",
        &[
            "proxy_on_grpc_close",
            "proxy_on_grpc_receive",
            "proxy_on_http_call_response",
            "proxy_on_log",
            "proxy_on_queue_ready",
            "proxy_on_request_headers",
            "proxy_on_response_headers",
            "proxy_on_tick",
        ],
    ),
    (
        "rate-limit",
        &[
            "proxy_on_grpc_close",
            "proxy_on_grpc_receive",
            "proxy_on_request_headers",
            "proxy_on_response_headers",
        ],
    ),
    (
        "request-authentication",
        &[
            "proxy_on_http_call_response",
            "proxy_on_queue_ready",
            "proxy_on_request_headers",
            "proxy_on_tick",
        ],
    ),
    (
        "telemetry-tags",
        &[
            "proxy_on_log",
            "proxy_on_request_headers",
            "proxy_on_response_headers",
        ],
    ),
];

#[test]
fn every_module_there_is_is_pinned_here() {
    let built: Vec<String> = built().into_keys().collect();
    let pinned: Vec<&str> = MODULES.iter().map(|(name, _)| *name).collect();
    assert_eq!(built, pinned, "add the new one to this file, or {BUILD}");
}

#[test]
fn exports_are_what_envoy_needs_and_no_more() {
    for (name, callbacks) in MODULES {
        let mut expected: Vec<&str> = [callbacks, &ALWAYS].concat();
        expected.sort_unstable();
        let mut exports = module(name).exports();
        exports.sort_unstable();
        assert_eq!(exports, expected, "{name}");
    }
}

#[test]
fn imports_are_what_envoy_grants() {
    for (name, _) in MODULES {
        let refused = module(name).refused_imports();
        assert_eq!(refused, Vec::<String>::new(), "{name}");
    }
}
