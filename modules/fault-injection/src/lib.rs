//! The module that Envoy loads: the filter in the shell.

shell::register!(fault_injection::FaultInjection);
