//! The host calls of ABI 0.2.1, as they are.
//!
//! Every status is an answer here, and every text bytes: a panic would end the VM for every stream of
//! the worker.

use std::alloc::Layout;
use std::time::Duration;

use super::raw;
use super::types::{HeaderMap, LogLevel, MetricType};
use sdk_helpers::headers::{HeaderEdit, Headers};
use sdk_helpers::protobuf::Message;

const OK: u32 = 0;
const CAS_MISMATCH: u32 = 8;

/// A host call that Envoy refused; there is nothing to be done about it but go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused(pub(super) u32);

type Done = Result<(), Refused>;

fn done(status: u32) -> Done {
    if status == OK {
        Ok(())
    } else {
        Err(Refused(status))
    }
}

/// Runs a call that returns bytes, which Envoy leaves in memory of this module's allocator.
fn bytes(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Result<Vec<u8>, Refused> {
    let (mut data, mut size) = (std::ptr::null_mut::<u8>(), 0usize);
    done(call(&raw mut data, &raw mut size))?;
    if data.is_null() {
        return Ok(Vec::new());
    }
    // SAFETY: Envoy got this memory from `allocate`, which allots exactly `size` bytes, and wrote them;
    // nobody else has the pointer.
    Ok(unsafe { Vec::from_raw_parts(data, size, size) })
}

/// Memory that Envoy writes into; null if there is none left.
pub(super) fn allocate(size: usize) -> *mut u8 {
    match Layout::array::<u8>(size) {
        Ok(layout) if size > 0 => {
            // SAFETY: the layout has a size.
            unsafe { std::alloc::alloc(layout) }
        }
        _ => std::ptr::null_mut(),
    }
}

pub(super) fn log(level: LogLevel, message: &str) {
    // SAFETY: the pointer is valid for the call.
    let _ = unsafe { raw::proxy_log(level as u32, message.as_ptr(), message.len()) };
}

/// What Envoy's log lets through.
pub(super) fn log_level() -> log::LevelFilter {
    let mut level = 0;
    // SAFETY: the pointer is valid for the call.
    let status = unsafe { raw::proxy_get_log_level(&raw mut level) };
    match (status, level) {
        (OK, 0) => log::LevelFilter::Trace,
        (OK, 1) => log::LevelFilter::Debug,
        (OK, 3) => log::LevelFilter::Warn,
        (OK, 4) => log::LevelFilter::Error,
        (OK, 5..) => log::LevelFilter::Off,
        _ => log::LevelFilter::Info,
    }
}

/// Nanoseconds since the Unix epoch; 0 if the host will not say.
pub(super) fn now() -> u64 {
    let mut time = 0;
    // SAFETY: the pointer is valid for the call.
    let status = unsafe { raw::proxy_get_current_time_nanoseconds(&raw mut time) };
    if status == OK { time } else { 0 }
}

/// Nanoseconds on the clock that never steps: WASI's clock 1, Envoy's steady clock. 0 if the host
/// will not say.
pub(super) fn monotonic() -> u64 {
    let mut time = 0;
    // SAFETY: the pointer is valid for the call.
    let status = unsafe { raw::clock_time_get(1, 1, &raw mut time) };
    if u32::from(status) == OK { time } else { 0 }
}

/// Arms the one timer of this root context; 0 disarms it.
pub(super) fn set_tick(milliseconds: u32) {
    // SAFETY: no pointers.
    let _ = unsafe { raw::proxy_set_tick_period_milliseconds(milliseconds) };
}

/// Buffers of this module's own callbacks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Buffer {
    HttpCallBody = 4,
    GrpcMessage = 5,
    Configuration = 7,
}

pub(super) fn buffer(buffer: Buffer, size: usize) -> Result<Vec<u8>, Refused> {
    // SAFETY: the pointers are valid for the call.
    bytes(|data, length| unsafe {
        raw::proxy_get_buffer_bytes(buffer as u32, 0, size, data, length)
    })
}

pub(super) fn headers(map: HeaderMap) -> Headers {
    // SAFETY: the pointers are valid for the call.
    bytes(|data, size| unsafe { raw::proxy_get_header_map_pairs(map as u32, data, size) })
        .map(Headers::from_block)
        .unwrap_or_default()
}

/// The first value of a header.
pub(super) fn header(map: HeaderMap, name: &str) -> Option<Vec<u8>> {
    // SAFETY: the pointers are valid for the call.
    bytes(|data, size| unsafe {
        raw::proxy_get_header_map_value(map as u32, name.as_ptr(), name.len(), data, size)
    })
    .ok()
}

pub(super) fn edit_header(map: HeaderMap, edit: &HeaderEdit) -> Done {
    match edit {
        HeaderEdit::Set(name, value) => replace_header(map, name, value),
        HeaderEdit::Add(name, value) => add_header(map, name, value),
        HeaderEdit::AddPart(name, value) => add_header(map, name, value),
        HeaderEdit::Overwrite(name, value) if header(map, name).is_some() => {
            replace_header(map, name, value)
        }
        HeaderEdit::Supply(name, value) if header(map, name).is_none() => {
            add_header(map, name, value)
        }
        HeaderEdit::Overwrite(..) | HeaderEdit::Supply(..) => Ok(()),
        // SAFETY: the pointers are valid for the call.
        HeaderEdit::Remove(name) => done(unsafe {
            raw::proxy_remove_header_map_value(map as u32, name.as_ptr(), name.len())
        }),
    }
}

fn replace_header(map: HeaderMap, name: &str, value: &[u8]) -> Done {
    // SAFETY: the pointers are valid for the call.
    done(unsafe {
        raw::proxy_replace_header_map_value(
            map as u32,
            name.as_ptr(),
            name.len(),
            value.as_ptr(),
            value.len(),
        )
    })
}

fn add_header(map: HeaderMap, name: &str, value: &[u8]) -> Done {
    // SAFETY: the pointers are valid for the call.
    done(unsafe {
        raw::proxy_add_header_map_value(
            map as u32,
            name.as_ptr(),
            name.len(),
            value.as_ptr(),
            value.len(),
        )
    })
}

pub(super) fn property(path: &[&str]) -> Result<Vec<u8>, Refused> {
    let path = path.join("\0");
    // SAFETY: the pointers are valid for the call.
    bytes(|data, size| unsafe { raw::proxy_get_property(path.as_ptr(), path.len(), data, size) })
}

/// Writes filter state `wasm.<key>`.
pub(super) fn set_state(key: &str, value: &[u8]) -> Done {
    // SAFETY: the pointers are valid for the call.
    done(unsafe { raw::proxy_set_property(key.as_ptr(), key.len(), value.as_ptr(), value.len()) })
}

/// What is in a shared cell, and the number a write must name to replace just that.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) value: Option<Vec<u8>>,
    cas: u32,
}

/// Makes a write succeed only where there is no cell yet: Envoy ignores the number then, and no
/// cell ever has this one.
const CREATE: u32 = u32::MAX;

pub(super) fn cell(key: &str) -> Cell {
    let mut cas = 0;
    // SAFETY: the pointers are valid for the call.
    let value = bytes(|data, size| unsafe {
        raw::proxy_get_shared_data(key.as_ptr(), key.len(), data, size, &raw mut cas)
    });
    match value {
        Ok(value) => Cell {
            value: Some(value),
            cas,
        },
        Err(_) => Cell {
            value: None,
            cas: CREATE,
        },
    }
}

/// Replaces what `cell` saw; false if somebody else was faster.
pub(super) fn replace_cell(key: &str, cell: &Cell, value: &[u8]) -> Result<bool, Refused> {
    // SAFETY: the pointers are valid for the call.
    let status = unsafe {
        raw::proxy_set_shared_data(
            key.as_ptr(),
            key.len(),
            value.as_ptr(),
            value.len(),
            cell.cas,
        )
    };
    match status {
        OK => Ok(true),
        CAS_MISMATCH => Ok(false),
        status => Err(Refused(status)),
    }
}

pub(super) fn register_queue(name: &str) -> Result<u32, Refused> {
    let mut queue = 0;
    // SAFETY: the pointers are valid for the call.
    done(unsafe { raw::proxy_register_shared_queue(name.as_ptr(), name.len(), &raw mut queue) })?;
    Ok(queue)
}

pub(super) fn enqueue(queue: u32) -> Done {
    let item = b"1";
    // SAFETY: the pointers are valid for the call.
    done(unsafe { raw::proxy_enqueue_shared_queue(queue, item.as_ptr(), item.len()) })
}

pub(super) fn dequeue(queue: u32) -> Done {
    // SAFETY: the pointers are valid for the call.
    bytes(|data, size| unsafe { raw::proxy_dequeue_shared_queue(queue, data, size) }).map(drop)
}

/// Lets the request of the effective context go on.
pub(super) fn continue_request() {
    // SAFETY: no pointers.
    let _ = unsafe { raw::proxy_continue_stream(0) };
}

pub(super) fn send_reply(
    status: u16,
    details: &str,
    body: &[u8],
    headers: &[(&str, &[u8])],
    grpc_status: Option<u32>,
) -> Done {
    let headers = block(headers);
    let grpc_status = grpc_status
        .and_then(|code| i32::try_from(code).ok())
        .unwrap_or(-1);
    // SAFETY: the pointers are valid for the call.
    done(unsafe {
        raw::proxy_send_local_response(
            status.into(),
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            grpc_status,
        )
    })
}

/// The ABI's header block: a count, the lengths, then NUL-terminated names and values.
fn block<N: AsRef<str>, V: AsRef<[u8]>>(headers: &[(N, V)]) -> Vec<u8> {
    let word = |number: usize| u32::try_from(number).unwrap_or(0).to_le_bytes();
    let mut block = Vec::from(word(headers.len()));
    for (name, value) in headers {
        block.extend(word(name.as_ref().len()));
        block.extend(word(value.as_ref().len()));
    }
    for (name, value) in headers {
        block.extend_from_slice(name.as_ref().as_bytes());
        block.push(0);
        block.extend_from_slice(value.as_ref());
        block.push(0);
    }
    block
}

/// Addresses every later call to a context; refused if its stream is gone.
pub(super) fn set_context(context: u32) -> Done {
    // SAFETY: no pointers.
    done(unsafe { raw::proxy_set_effective_context(context) })
}

pub(super) fn host_function(name: &str, argument: &[u8]) -> Result<Vec<u8>, Refused> {
    // SAFETY: the pointers are valid for the call.
    bytes(|data, size| unsafe {
        raw::proxy_call_foreign_function(
            name.as_ptr(),
            name.len(),
            argument.as_ptr(),
            argument.len(),
            data,
            size,
        )
    })
}

pub(super) fn define_metric(kind: MetricType, name: &str) -> Option<u32> {
    let mut metric = 0;
    // SAFETY: the pointers are valid for the call.
    let status = unsafe {
        raw::proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &raw mut metric)
    };
    (status == OK).then_some(metric)
}

pub(super) fn add_metric(metric: u32, by: i64) {
    // SAFETY: no pointers.
    let _ = unsafe { raw::proxy_increment_metric(metric, by) };
}

pub(super) fn set_metric(metric: u32, value: u64) {
    // SAFETY: no pointers.
    let _ = unsafe { raw::proxy_record_metric(metric, value) };
}

pub(super) fn metric(metric: u32) -> u64 {
    let mut value = 0;
    // SAFETY: the pointer is valid for the call.
    let status = unsafe { raw::proxy_get_metric(metric, &raw mut value) };
    if status == OK { value } else { 0 }
}

/// Sends a request to a cluster; the token that its answer comes under.
pub(super) fn http_call(
    cluster: &str,
    headers: &[(String, Vec<u8>)],
    body: &[u8],
    timeout: Duration,
) -> Option<u32> {
    let headers = block(headers);
    let trailers = block::<&str, &[u8]>(&[]);
    let mut token = 0;
    // SAFETY: the pointers are valid for the call.
    let status = unsafe {
        raw::proxy_http_call(
            cluster.as_ptr(),
            cluster.len(),
            headers.as_ptr(),
            headers.len(),
            body.as_ptr(),
            body.len(),
            trailers.as_ptr(),
            trailers.len(),
            milliseconds(timeout),
            &raw mut token,
        )
    };
    (status == OK).then_some(token)
}

/// Sends one message to a service of a cluster; the token that its answer comes under.
pub(super) fn grpc_call(
    cluster: &str,
    service: &str,
    method: &str,
    metadata: &[(String, Vec<u8>)],
    message: &[u8],
    timeout: Duration,
) -> Option<u32> {
    let target = grpc_service(cluster);
    let metadata = block(metadata);
    let mut token = 0;
    // SAFETY: the pointers are valid for the call.
    let status = unsafe {
        raw::proxy_grpc_call(
            target.as_ptr(),
            target.len(),
            service.as_ptr(),
            service.len(),
            method.as_ptr(),
            method.len(),
            metadata.as_ptr(),
            metadata.len(),
            message.as_ptr(),
            message.len(),
            milliseconds(timeout),
            &raw mut token,
        )
    };
    (status == OK).then_some(token)
}

/// A timeout as Envoy counts it, of which 0 is no limit at all and more than 31 bits are refused.
fn milliseconds(timeout: Duration) -> u32 {
    let most = i32::MAX.unsigned_abs();
    let whole = u32::try_from(timeout.as_millis()).unwrap_or(most);
    whole.clamp(1, most)
}

/// `envoy.config.core.v3.GrpcService { envoy_grpc: { cluster_name, authority } }`, serialized.
///
/// Envoy takes a bare name as well, but first tries to read it as this message: of `empty`, which is
/// four bytes of an unknown field, it makes a message without a target, and its process aborts.
///
/// The `:authority` is otherwise the name of the cluster, and that of a service in Istio has bars in
/// it, which gRPC servers refuse. Istio itself writes `_.` for each.
fn grpc_service(cluster: &str) -> Vec<u8> {
    let mut target = Message::new().filled(1, cluster);
    if cluster.contains('|') {
        target = target.filled(2, cluster.replace('|', "_."));
    }
    Message::new().message(1, &target).into_bytes()
}
