//! The module that Envoy loads: the filter in the shell.

shell::register!(telemetry_tags::TelemetryTags);
