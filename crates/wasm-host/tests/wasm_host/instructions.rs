//! Instructions are counted by callback and by stream, the same ones in every run.

use super::guest::{GET, OK};
use std::collections::BTreeMap;
use wasm_host::{Host, Module, Stream};

/// In brackets what each line counts; a function's beginning counts one.
const COUNTED: &str = r#"
(module
  (import "env" "proxy_get_current_time_nanoseconds" (func $time (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 1024))
  (func (export "proxy_on_context_create") (param i32 i32))     ;; [1]
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (local $n i32)                                              ;; [1]
    (local.set $n (i32.const 10))                               ;; [2]
    (loop $again                                                ;; free
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))     ;; [4] ten times
      (br_if $again (local.get $n)))                            ;; [2] ten times
    (i32.const 0))                                              ;; [1]
  (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
    (memory.fill (i32.const 0) (i32.const 1) (i32.const 100))   ;; [1 + 4 + 100]
    (i32.const 0))                                              ;; [1]
  (func (export "proxy_on_log") (param i32)
    (drop (call $time (i32.const 8))))                          ;; [1 + 2], drop is free
  (func (export "proxy_on_delete") (param i32) nop))            ;; [1], nop is free
"#;

fn host(module: &Module) -> Host {
    let host = Host::new(module).unwrap();
    assert!(host.configure(b""));
    host
}

fn request(host: &Host) -> Stream {
    let stream = host.request(GET, true);
    stream.response_headers(OK, true).unwrap();
    stream.done();
    stream
}

fn counts(of: &[(&str, u64)]) -> BTreeMap<String, u64> {
    let counts = of.iter().map(|(name, count)| ((*name).to_owned(), *count));
    counts.collect()
}

const ONE_REQUEST: [(&str, u64); 5] = [
    ("proxy_on_context_create", 1),
    ("proxy_on_request_headers", 64),
    ("proxy_on_response_headers", 106),
    ("proxy_on_log", 3),
    ("proxy_on_delete", 1),
];

#[test]
fn each_callback_of_a_stream_has_its_count() {
    let wasm = wat::parse_str(COUNTED).unwrap();
    let host = host(&Module::compile_counting(&wasm).unwrap());
    // The root context's own.
    assert_eq!(
        host.instructions(),
        counts(&[("proxy_on_context_create", 1)])
    );
    host.reset_instructions();
    let (first, second) = (request(&host), request(&host));
    assert_eq!(first.instructions(), counts(&ONE_REQUEST));
    assert_eq!(second.instructions(), first.instructions());
    let twice = ONE_REQUEST.map(|(name, count)| (name, 2 * count));
    assert_eq!(host.instructions(), counts(&twice));
    assert_eq!(host.dead(), None);
}

#[test]
fn a_module_that_was_not_compiled_to_count_counts_nothing() {
    let wasm = wat::parse_str(COUNTED).unwrap();
    let host = host(&Module::compile(&wasm).unwrap());
    let stream = request(&host);
    assert_eq!(stream.instructions(), BTreeMap::new());
    assert_eq!(host.instructions(), BTreeMap::new());
    assert_eq!(host.host_calls().len(), 1);
}

#[test]
fn a_callback_that_traps_has_counted_up_to_there() {
    let wasm = wat::parse_str(
        r#"
        (module
          (memory (export "memory") 1)
          (func (export "proxy_abi_version_0_2_1"))
          (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 1024))
          (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (drop (i32.const 0))
            unreachable))
        "#,
    )
    .unwrap();
    let host = host(&Module::compile_counting(&wasm).unwrap());
    let stream = host.request(GET, true);
    assert_eq!(
        stream.instructions(),
        counts(&[("proxy_on_request_headers", 2)])
    );
    assert!(host.dead().is_some());
}
