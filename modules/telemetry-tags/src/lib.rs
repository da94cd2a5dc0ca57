//! The module that Envoy loads: the filter in the shell.

shell::register!(telemetry_tags::TelemetryTags: on_request_headers, on_response_headers, on_log);
