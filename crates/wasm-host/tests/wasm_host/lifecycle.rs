//! Contexts and configurations, the order of callbacks, and what becomes of a VM that traps.

use super::guest::{GET, OK, guest, host, said};
use wasm_host::{Host, Module, State};

#[test]
fn callbacks_come_in_envoys_order() {
    let host = host(
        r#"
        (func (export "_initialize") (call $say (i32.const 1)))
        (func (export "proxy_on_context_create") (param i32 i32)
          (call $say (i32.add (i32.const 20) (local.get 0)))
          (call $say (i32.add (i32.const 30) (local.get 1))))
        (func (export "proxy_on_vm_start") (param i32 i32) (result i32)
          (call $say (i32.const 4)) (i32.const 1))
        (func (export "proxy_on_configure") (param i32 i32) (result i32)
          (call $say (i32.const 5)) (i32.const 1))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (call $say (i32.const 6)) (i32.const 0))
        (func (export "proxy_on_log") (param i32) (call $say (i32.const 7)))
        (func (export "proxy_on_done") (param i32) (result i32)
          (call $say (i32.const 8)) (i32.const 1))
        (func (export "proxy_on_delete") (param i32) (call $say (i32.const 9)))
        "#,
    );
    assert_eq!(said(&host), ["1", "21", "30", "4", "5"]);
    let stream = host.request(GET, true);
    stream.done();
    stream.done();
    assert_eq!(said(&host)[5..], ["22", "31", "6", "7", "8", "9"]);
}

#[test]
fn a_stream_that_an_earlier_filter_answered_is_created_and_logged() {
    let host = host(
        r#"
        (func (export "proxy_on_context_create") (param i32 i32) (call $say (local.get 0)))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) unreachable)
        (func (export "proxy_on_log") (param i32) (call $say (i32.const 7)))
        "#,
    );
    host.stream().done();
    assert_eq!(said(&host), ["1", "2", "7"]);
}

#[test]
fn a_configuration_can_be_read_only_while_it_is_handed_over() {
    let host = Host::new(&guest(
        r#"
        (func (export "proxy_on_vm_start") (param i32 i32) (result i32)
          (call $say (call $buffer (i32.const 7) (i32.const 0) (i32.const 99) {out}))
          (call $say (call $buffer (i32.const 6) (i32.const 0) (i32.const 99) {out}))
          (call $tell) (i32.const 1))
        (func (export "proxy_on_configure") (param i32 i32) (result i32)
          (call $say (call $buffer (i32.const 7) (i32.const 2) (i32.const 3) {out}))
          (call $tell) (i32.const 1))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (call $say (call $buffer (i32.const 7) (i32.const 0) (i32.const 99) {out})) (i32.const 0))
        "#,
    ))
    .unwrap();
    assert!(host.vm_start(b"vm"));
    assert!(host.configure(b"plugin"));
    let _ = host.request(GET, true);
    assert_eq!(said(&host), ["1", "0", "vm", "0", "ugi", "1"]);
}

#[test]
fn an_update_makes_a_second_root_and_a_refused_one_leaves_the_first_serving() {
    let host = Host::new(&guest(
        r#"
        (func (export "proxy_on_context_create") (param i32 i32) (call $say (local.get 1)))
        (func (export "proxy_on_configure") (param i32 i32) (result i32)
          (i32.ne (local.get 1) (i32.const 3)))
        (func (export "proxy_on_done") (param i32) (result i32) (i32.const 1))
        "#,
    ))
    .unwrap();
    assert!(host.configure(b"ok"));
    assert!(!host.configure(b"bad"));
    let old = host.request(GET, true);
    assert!(host.configure(b"good"));
    let new = host.request(GET, true);
    old.done();
    new.done();
    // Roots 1, 2 and 4; stream 3 below the first, stream 5 below the last.
    assert_eq!(said(&host), ["0", "0", "1", "0", "4"]);
    host.retire(1);
    assert_eq!(host.roots(), [2, 4]);
}

#[test]
fn a_trap_ends_the_vm_and_every_stream_that_needs_it() {
    let host = host(
        r#"
        (global $n (mut i32) (i32.const 0))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (global.set $n (i32.add (global.get $n) (i32.const 1)))
          (if (i32.eq (global.get $n) (i32.const 2)) (then unreachable))
          (i32.const 1))
        (func (export "proxy_on_log") (param i32) (call $say (i32.const 7)))
        "#,
    );
    let paused = host.request(GET, true);
    assert_eq!(host.dead(), None);
    for _ in 0..2 {
        let stream = host.request(GET, true);
        let reply = stream.reply().expect("a reply");
        assert_eq!(
            (reply.status, reply.details.as_str()),
            (503, "wasm_fail_stream")
        );
        stream.done();
    }
    let death = host.dead().expect("a cause");
    assert!(
        death.contains("proxy_on_request_headers") && death.contains("unreachable"),
        "{death}"
    );
    assert_eq!(paused.state(), State::Paused, "nobody resumes it any more");
    assert!(!host.configure(b""), "a dead VM takes no configuration");
    assert!(
        said(&host).iter().all(|line| line != "7"),
        "a dead VM logs nothing"
    );
}

#[test]
fn a_vm_that_dies_later_takes_the_response() {
    let host = host(
        r#"(func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32) unreachable)"#,
    );
    let stream = host.request(GET, true);
    stream.response_headers(OK, false).unwrap();
    assert_eq!(stream.reply().map(|reply| reply.status), Some(503));
    assert_eq!(stream.response().text(":status"), Some("503".to_owned()));
}

#[test]
fn a_reply_in_the_log_kills_envoy() {
    let host = host(
        r#"
        (func (export "proxy_on_log") (param i32)
          (drop (call $reply (i32.const 200) #"" #"" #"" (i32.const -1))))
        "#,
    );
    let stream = host.request(GET, true);
    stream.done();
    let death = "send_local_response in proxy_on_log";
    assert_eq!(host.crashed().as_deref(), Some(death));
    assert_eq!(stream.state(), State::Crashed(death.to_owned()));
}

#[test]
fn a_reset_in_the_farewell_kills_envoy() {
    let host = host(
        r#"(func (export "proxy_on_done") (param i32) (result i32) (call $close (i32.const 0)))"#,
    );
    host.request(GET, true).done();
    assert_eq!(host.crashed().as_deref(), Some("reset in proxy_on_done"));
}

#[test]
fn most_host_calls_do_not_exist_before_the_start() {
    let host = Host::new(&guest(
        r#"(func (export "_initialize") (drop (call $time (i32.const 8))))"#,
    ))
    .unwrap();
    let death = host.dead().expect("a cause");
    assert!(
        death.contains("proxy_get_current_time_nanoseconds"),
        "{death}"
    );
}

#[test]
fn imports_are_what_envoy_grants_or_the_module_is_refused() {
    let module = guest("");
    assert_eq!(module.refused_imports(), Vec::<String>::new());
    assert!(
        module
            .exports()
            .contains(&"proxy_on_memory_allocate".to_owned())
    );
    assert!(
        module
            .imports()
            .contains(&("env".to_owned(), "proxy_log".to_owned()))
    );
    assert!(module.size() > 100);
    let js = wat::parse_str(r#"(module (import "__wbindgen" "init" (func)))"#).unwrap();
    assert_eq!(
        Module::compile(&js).unwrap().refused_imports(),
        ["__wbindgen.init"]
    );
}

#[test]
fn a_module_with_another_import_does_not_load() {
    let wasm = wat::parse_str(r#"(module (import "env" "proxy_fly" (func)))"#).unwrap();
    assert_eq!(
        refusal(&wasm),
        "Envoy would refuse this module: it has no env.proxy_fly"
    );
}

#[test]
fn an_import_of_another_signature_does_not_load() {
    let wasm = wat::parse_str(r#"(module (import "env" "proxy_log" (func)))"#).unwrap();
    let refusal = refusal(&wasm);
    assert!(
        refusal.starts_with("Envoy would refuse this module: ") && refusal.contains("proxy_log"),
        "{refusal}"
    );
}

fn refusal(wasm: &[u8]) -> String {
    let host = Host::new(&Module::compile(wasm).unwrap());
    host.err().expect("a refusal").to_string()
}

#[test]
fn what_is_no_module_is_an_error() {
    let missing = Module::load("no/such.wasm").err().expect("an error");
    assert!(
        missing
            .to_string()
            .starts_with("no module at no/such.wasm: "),
        "{missing}"
    );
    let text = Module::compile(b"text").err().expect("an error");
    assert!(
        text.to_string().starts_with("not a wasm module: "),
        "{text}"
    );
}

#[test]
fn a_stream_that_no_filter_serves_gets_503_without_a_callback() {
    let host = Host::new(&guest(
        r#"
        (func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 0))
        (func (export "proxy_on_context_create") (param i32 i32) (call $say (local.get 0)))
        "#,
    ))
    .unwrap();
    assert!(!host.configure(b""));
    let stream = host.request(GET, true);
    assert_eq!(stream.reply().map(|reply| reply.status), Some(503));
    stream.done();
    assert_eq!(said(&host), ["1"]);
}

#[test]
fn host_calls_are_counted_by_name() {
    let host = host(
        r#"
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (drop (call $clock (i32.const 0) (i64.const 0) (i32.const 8)))
          (drop (call $header (i32.const 0) #":path" {out})) (call $tell) (i32.const 0))
        "#,
    );
    let _ = host.request(GET, true);
    let stream = host.request(GET, true);
    let once = |name: &str| (name.to_owned(), 1);
    let calls = ["clock_time_get", "proxy_get_header_map_value", "proxy_log"].map(once);
    assert_eq!(stream.host_calls(), calls.into());
    assert_eq!(host.host_calls()["proxy_log"], 2);
    host.reset_host_calls();
    assert!(host.host_calls().is_empty());
}
