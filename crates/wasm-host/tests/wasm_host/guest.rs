//! Modules for the tests: callbacks in WAT, between imports and helpers that all of them share.

use wasm_host::{Host, Module};

/// Imports by short name, an allocator, and two ways to speak: `$say` logs a number, `$tell` logs
/// the bytes that the last call with `{out}` was given.
const FRAME: &str = r#"
(module
  (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
  (import "env" "proxy_get_header_map_value" (func $header (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_add_header_map_value" (func $add_header (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_replace_header_map_value" (func $set_header (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_header_map_pairs" (func $pairs (param i32 i32 i32) (result i32)))
  (import "env" "proxy_get_buffer_bytes" (func $buffer (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_buffer_bytes" (func $set_buffer (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_property" (func $property (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_property" (func $set_property (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_continue_stream" (func $resume (param i32) (result i32)))
  (import "env" "proxy_close_stream" (func $close (param i32) (result i32)))
  (import "env" "proxy_send_local_response" (func $reply (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_effective_context" (func $become (param i32) (result i32)))
  (import "env" "proxy_set_tick_period_milliseconds" (func $tick (param i32) (result i32)))
  (import "env" "proxy_get_current_time_nanoseconds" (func $time (param i32) (result i32)))
  (import "env" "proxy_get_shared_data" (func $read (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_shared_data" (func $write (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_define_metric" (func $metric (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_increment_metric" (func $increment (param i32 i64) (result i32)))
  (import "env" "proxy_record_metric" (func $record (param i32 i64) (result i32)))
  (import "env" "proxy_get_metric" (func $value (param i32 i32) (result i32)))
  (import "env" "proxy_register_shared_queue" (func $register (param i32 i32 i32) (result i32)))
  (import "env" "proxy_enqueue_shared_queue" (func $enqueue (param i32 i32 i32) (result i32)))
  (import "env" "proxy_dequeue_shared_queue" (func $dequeue (param i32 i32 i32) (result i32)))
  (import "env" "proxy_http_call" (func $http (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_grpc_call" (func $grpc (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_status" (func $status (param i32 i32 i32) (result i32)))
  (import "env" "proxy_call_foreign_function" (func $foreign (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir" (func $fd_readdir (param i32 i32 i32 i64 i32) (result i32)))
  (memory (export "memory") 2)
  (global $heap (mut i32) (i32.const 16384))
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param $n i32) (result i32)
    (global.get $heap)
    (global.set $heap (i32.add (global.get $heap) (local.get $n))))
  (func $say (param $n i32)
    (local $at i32)
    (local.set $at (i32.const 64))
    (loop $digit
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at)
        (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
      (local.set $n (i32.div_u (local.get $n) (i32.const 10)))
      (br_if $digit (local.get $n)))
    (drop (call $log (i32.const 2) (local.get $at) (i32.sub (i32.const 64) (local.get $at)))))
  (func $tell
    (drop (call $log (i32.const 2) (i32.load (i32.const 8)) (i32.load (i32.const 12)))))
"#;

/// A module of these functions. In them, `"text"` after a `#` stands for the text's address and
/// length, and `{out}` for where a call puts the address and length of what it gives.
pub(crate) fn guest(functions: &str) -> Module {
    let mut data = String::new();
    let mut code = String::new();
    let mut at = 256;
    let mut rest = functions;
    while let Some((before, after)) = rest.split_once("#\"") {
        let (text, behind) = after.split_once('"').expect("a closing quote");
        let length = unescaped(text);
        data += &format!("(data (i32.const {at}) \"{text}\")\n");
        code.push_str(before);
        code.push_str(&format!("(i32.const {at}) (i32.const {length})"));
        at += length;
        rest = behind;
    }
    code.push_str(rest);
    let code = code.replace("{out}", "(i32.const 8) (i32.const 12)");
    let wasm = wat::parse_str(format!("{FRAME}{data}{code})"));
    Module::compile(&wasm.unwrap_or_else(|error| panic!("{error}"))).unwrap()
}

/// A host whose module has these functions and took an empty configuration.
pub(crate) fn host(functions: &str) -> Host {
    let host = Host::new(&guest(functions)).unwrap();
    assert!(host.configure(b""));
    host
}

/// What the module has said so far.
pub(crate) fn said(host: &Host) -> Vec<String> {
    host.log().into_iter().map(|(_, line)| line).collect()
}

/// The length of a WAT string, in which `\00` is one byte.
fn unescaped(text: &str) -> usize {
    text.len() - 2 * text.matches('\\').count()
}

/// A request as most tests need it.
pub(crate) const GET: &[(&str, &str)] = &[
    (":method", "GET"),
    (":path", "/p?q=1"),
    (":scheme", "http"),
    ("host", "h.test"),
    ("x-a", "1"),
];

/// A response as most tests need it.
pub(crate) const OK: &[(&str, &str)] = &[(":status", "200"), ("content-length", "5")];
