//! The module that Envoy loads: the filter in the shell.

shell::register!(request_authentication::RequestAuthentication);
