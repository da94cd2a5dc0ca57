//! The module that Envoy loads: the filter in the shell.

shell::register!(rate_limit::RateLimit);
