//! The functions that Envoy calls in a module.

/// One of these must be exported: Envoy allocates the module's memory by it, the first before the second.
pub const ALLOCATORS: [&str; 2] = ["malloc", "proxy_on_memory_allocate"];

/// What Envoy calls in a module once, before it is configured.
const ENTRIES: [&str; 4] = ["_initialize", "_start", "main", "__main_void"];

/// The callbacks that Envoy calls, each only if the module exports it.
pub const CALLBACKS: &[&str] = &[
    "proxy_validate_configuration",
    "proxy_on_vm_start",
    "proxy_on_configure",
    "proxy_on_tick",
    "proxy_on_context_create",
    "proxy_on_new_connection",
    "proxy_on_downstream_data",
    "proxy_on_upstream_data",
    "proxy_on_downstream_connection_close",
    "proxy_on_upstream_connection_close",
    "proxy_on_request_headers",
    "proxy_on_request_body",
    "proxy_on_request_trailers",
    "proxy_on_request_metadata",
    "proxy_on_response_headers",
    "proxy_on_response_body",
    "proxy_on_response_trailers",
    "proxy_on_response_metadata",
    "proxy_on_http_call_response",
    "proxy_on_grpc_receive",
    "proxy_on_grpc_close",
    "proxy_on_grpc_receive_initial_metadata",
    "proxy_on_grpc_receive_trailing_metadata",
    "proxy_on_queue_ready",
    "proxy_on_foreign_function",
    "proxy_on_done",
    "proxy_on_log",
    "proxy_on_delete",
];

/// Whether Envoy would ever call a function of this name, or look at it. Others do no harm, and are never run.
#[must_use]
pub fn calls(export: &str) -> bool {
    let named = [&ALLOCATORS[..], &ENTRIES, CALLBACKS];
    named.concat().contains(&export) || crate::Abi::of_marker(export).is_some()
}

#[cfg(test)]
mod tests {
    use super::calls;

    #[test]
    fn envoy_calls_what_it_knows() {
        for known in [
            "proxy_on_tick",
            "malloc",
            "_initialize",
            "proxy_abi_version_0_2_1",
        ] {
            assert!(calls(known), "{known}");
        }
        assert!(!calls("proxy_on_request_header"));
    }
}
