//! The module that Envoy loads: the filter in the shell.

shell::register!(rate_limit::RateLimit: on_request_headers, on_response_headers, on_grpc_receive, on_grpc_close);
