//! The module that Envoy loads: the filter in the shell.

shell::register!(request_authentication::RequestAuthentication: on_request_headers, on_tick, on_queue_ready, on_http_call_response);
