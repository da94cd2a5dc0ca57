//! The module that Envoy loads: the filter in the shell.

shell::register!(authorization_policy::AuthorizationPolicy);
