//! The host functions of proxy-wasm's ABI 0.2.1 that the shell uses, by their names there. They
//! answer with a status: 0 is Ok, and what else there may be is [`super::host`]'s to know.

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    pub(super) fn proxy_log(level: u32, message: *const u8, message_size: usize) -> u32;
    pub(super) fn proxy_get_log_level(level: *mut u32) -> u32;
    pub(super) fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    pub(super) fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    pub(super) fn proxy_get_buffer_bytes(
        buffer: u32,
        start: usize,
        most: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    pub(super) fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize)
    -> u32;
    pub(super) fn proxy_get_header_map_value(
        map: u32,
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    pub(super) fn proxy_add_header_map_value(
        map: u32,
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    pub(super) fn proxy_replace_header_map_value(
        map: u32,
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    pub(super) fn proxy_remove_header_map_value(map: u32, key: *const u8, key_size: usize) -> u32;
    pub(super) fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    pub(super) fn proxy_set_property(
        path: *const u8,
        path_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    pub(super) fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        cas: *mut u32,
    ) -> u32;
    pub(super) fn proxy_set_shared_data(
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
        cas: u32,
    ) -> u32;
    pub(super) fn proxy_register_shared_queue(
        name: *const u8,
        name_size: usize,
        queue: *mut u32,
    ) -> u32;
    pub(super) fn proxy_enqueue_shared_queue(
        queue: u32,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    pub(super) fn proxy_dequeue_shared_queue(
        queue: u32,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    pub(super) fn proxy_continue_stream(stream: u32) -> u32;
    pub(super) fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    pub(super) fn proxy_http_call(
        cluster: *const u8,
        cluster_size: usize,
        headers: *const u8,
        headers_size: usize,
        body: *const u8,
        body_size: usize,
        trailers: *const u8,
        trailers_size: usize,
        timeout: u32,
        token: *mut u32,
    ) -> u32;
    pub(super) fn proxy_grpc_call(
        target: *const u8,
        target_size: usize,
        service: *const u8,
        service_size: usize,
        method: *const u8,
        method_size: usize,
        metadata: *const u8,
        metadata_size: usize,
        message: *const u8,
        message_size: usize,
        timeout: u32,
        token: *mut u32,
    ) -> u32;
    pub(super) fn proxy_set_effective_context(context: u32) -> u32;
    pub(super) fn proxy_call_foreign_function(
        name: *const u8,
        name_size: usize,
        argument: *const u8,
        argument_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    pub(super) fn proxy_define_metric(
        kind: u32,
        name: *const u8,
        name_size: usize,
        metric: *mut u32,
    ) -> u32;
    pub(super) fn proxy_increment_metric(metric: u32, offset: i64) -> u32;
    pub(super) fn proxy_record_metric(metric: u32, value: u64) -> u32;
    pub(super) fn proxy_get_metric(metric: u32, value: *mut u64) -> u32;
}

// The one of WASI's that std hides: its `Instant` has no number that two VMs could compare.
#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    pub(super) fn clock_time_get(clock: u32, precision: u64, time: *mut u64) -> u16;
}
