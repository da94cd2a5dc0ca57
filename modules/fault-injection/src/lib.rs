//! The module that Envoy loads: the filter in the shell.

shell::register!(fault_injection::FaultInjection: on_request_headers, on_tick, on_queue_ready);
