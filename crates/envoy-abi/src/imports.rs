//! The functions that Envoy has for a module, with their signatures. One that it has not, or has with
//! another signature, and it refuses the module.
//!
//! Read off Envoy 1.40's proxy-wasm-cpp-host, and held against a running Envoy by a test.

/// A parameter or a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// 32 bits.
    I32,
    /// 64 bits.
    I64,
}

/// A function that a module may import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Import {
    /// Its module, `env` or a version of WASI.
    pub module: &'static str,
    /// Its name.
    pub name: &'static str,
    /// One letter for each parameter, `i` or `l` for 32 or 64 bits.
    params: &'static str,
    /// The same for results.
    results: &'static str,
}

impl Import {
    const fn of(
        module: &'static str,
        name: &'static str,
        params: &'static str,
        results: &'static str,
    ) -> Self {
        Self {
            module,
            name,
            params,
            results,
        }
    }

    const fn proxy(name: &'static str, params: &'static str) -> Self {
        Self::of("env", name, params, "i")
    }

    const fn wasi(name: &'static str, params: &'static str) -> Self {
        Self::of(WASI, name, params, "i")
    }

    /// The types of its parameters.
    pub fn params(&self) -> impl Iterator<Item = Type> {
        types(self.params)
    }

    /// The types of its results.
    pub fn results(&self) -> impl Iterator<Item = Type> {
        types(self.results)
    }
}

fn types(letters: &'static str) -> impl Iterator<Item = Type> {
    letters.bytes().map(|letter| match letter {
        b'l' => Type::I64,
        _ => Type::I32,
    })
}

/// The module of WASI's functions.
pub(crate) const WASI: &str = "wasi_snapshot_preview1";

/// What a module of ABI 0.2.1 may import.
///
/// WASI lacks three of preview1's 46 on purpose: `proc_raise` is missing in Envoy, and `path_link`
/// and `path_symlink` have other signatures there, so a module that imports one does not load.
pub const IMPORTS: &[Import] = &[
    Import::proxy("proxy_log", "iii"),
    Import::proxy("proxy_get_log_level", "i"),
    Import::proxy("proxy_get_status", "iii"),
    Import::proxy("proxy_set_property", "iiii"),
    Import::proxy("proxy_get_property", "iiii"),
    Import::proxy("proxy_send_local_response", "iiiiiiii"),
    Import::proxy("proxy_get_shared_data", "iiiii"),
    Import::proxy("proxy_set_shared_data", "iiiii"),
    Import::proxy("proxy_register_shared_queue", "iii"),
    Import::proxy("proxy_resolve_shared_queue", "iiiii"),
    Import::proxy("proxy_dequeue_shared_queue", "iii"),
    Import::proxy("proxy_enqueue_shared_queue", "iii"),
    Import::proxy("proxy_get_header_map_value", "iiiii"),
    Import::proxy("proxy_add_header_map_value", "iiiii"),
    Import::proxy("proxy_replace_header_map_value", "iiiii"),
    Import::proxy("proxy_remove_header_map_value", "iii"),
    Import::proxy("proxy_get_header_map_pairs", "iii"),
    Import::proxy("proxy_set_header_map_pairs", "iii"),
    Import::proxy("proxy_get_header_map_size", "ii"),
    Import::proxy("proxy_get_buffer_status", "iii"),
    Import::proxy("proxy_get_buffer_bytes", "iiiii"),
    Import::proxy("proxy_set_buffer_bytes", "iiiii"),
    Import::proxy("proxy_http_call", "iiiiiiiiii"),
    Import::proxy("proxy_grpc_call", "iiiiiiiiiiii"),
    Import::proxy("proxy_grpc_stream", "iiiiiiiii"),
    Import::proxy("proxy_grpc_close", "i"),
    Import::proxy("proxy_grpc_cancel", "i"),
    Import::proxy("proxy_grpc_send", "iiii"),
    Import::proxy("proxy_set_tick_period_milliseconds", "i"),
    Import::proxy("proxy_get_current_time_nanoseconds", "i"),
    Import::proxy("proxy_define_metric", "iiii"),
    Import::proxy("proxy_increment_metric", "il"),
    Import::proxy("proxy_record_metric", "il"),
    Import::proxy("proxy_get_metric", "ii"),
    Import::proxy("proxy_set_effective_context", "i"),
    Import::proxy("proxy_done", ""),
    Import::proxy("proxy_call_foreign_function", "iiiiii"),
    Import::proxy("proxy_continue_stream", "i"),
    Import::proxy("proxy_close_stream", "i"),
    Import::wasi("args_get", "ii"),
    Import::wasi("args_sizes_get", "ii"),
    Import::wasi("environ_get", "ii"),
    Import::wasi("environ_sizes_get", "ii"),
    Import::wasi("clock_res_get", "ii"),
    Import::wasi("clock_time_get", "ili"),
    Import::wasi("fd_advise", "illi"),
    Import::wasi("fd_allocate", "ill"),
    Import::wasi("fd_close", "i"),
    Import::wasi("fd_datasync", "i"),
    Import::wasi("fd_fdstat_get", "ii"),
    Import::wasi("fd_fdstat_set_flags", "ii"),
    Import::wasi("fd_fdstat_set_rights", "ill"),
    Import::wasi("fd_filestat_get", "ii"),
    Import::wasi("fd_filestat_set_size", "il"),
    Import::wasi("fd_filestat_set_times", "illi"),
    Import::wasi("fd_pread", "iiili"),
    Import::wasi("fd_prestat_get", "ii"),
    Import::wasi("fd_prestat_dir_name", "iii"),
    Import::wasi("fd_pwrite", "iiili"),
    Import::wasi("fd_read", "iiii"),
    Import::wasi("fd_readdir", "iiili"),
    Import::wasi("fd_renumber", "ii"),
    Import::wasi("fd_seek", "ilii"),
    Import::wasi("fd_sync", "i"),
    Import::wasi("fd_tell", "ii"),
    Import::wasi("fd_write", "iiii"),
    Import::wasi("path_create_directory", "iii"),
    Import::wasi("path_filestat_get", "iiiii"),
    Import::wasi("path_filestat_set_times", "iiiilli"),
    Import::wasi("path_open", "iiiiillii"),
    Import::wasi("path_readlink", "iiiiii"),
    Import::wasi("path_remove_directory", "iii"),
    Import::wasi("path_rename", "iiiiii"),
    Import::wasi("path_unlink_file", "iii"),
    Import::wasi("poll_oneoff", "iiii"),
    Import::of(WASI, "proc_exit", "i", ""),
    Import::wasi("random_get", "ii"),
    Import::wasi("sched_yield", ""),
    Import::wasi("sock_accept", "iii"),
    Import::wasi("sock_recv", "iiiiii"),
    Import::wasi("sock_send", "iiiii"),
    Import::wasi("sock_shutdown", "ii"),
];

/// What Envoy has besides for modules that Emscripten made, of any ABI.
pub(crate) const EMSCRIPTEN: &[Import] = &[
    Import::proxy("pthread_equal", "ii"),
    Import::of("env", "emscripten_notify_memory_growth", "i", ""),
];

/// What only a module of ABI 0.1.0 may import.
pub(crate) const ONLY_0_1_0: &[Import] = &[
    Import::proxy("proxy_get_configuration", "ii"),
    Import::proxy("proxy_continue_request", ""),
    Import::proxy("proxy_continue_response", ""),
    Import::proxy("proxy_clear_route_cache", ""),
];
