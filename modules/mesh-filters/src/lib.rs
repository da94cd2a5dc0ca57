//! The module that Envoy loads: the chain of all filters in the shell.

shell::register!(chain mesh_filters_chain::MeshFilters);
