//! The module that Envoy loads: the filter in the shell.

shell::register!(authorization_policy::AuthorizationPolicy: on_request_headers, on_response_headers, on_http_call_response, on_grpc_receive, on_grpc_close);
