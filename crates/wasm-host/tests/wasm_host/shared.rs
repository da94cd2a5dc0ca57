//! What workers share: data with versions, queues with one consumer, metrics.

use super::guest::{GET, guest, host, said};
use wasm_host::{Host, Module, World};

fn workers(module: &Module) -> (World, [Host; 2]) {
    let world = World::new();
    let hosts = [0, 1].map(|_| {
        let host = Host::in_world(module, &world).unwrap();
        assert!(host.configure(b""));
        host
    });
    (world, hosts)
}

#[test]
fn versions_come_from_one_counter_and_guard_only_keys_that_are_there() {
    let host = host(
        r#"
        (func $write_as (param $version i32)
          (call $say (call $write #"k" #"v" (local.get $version))))
        (func $read_k
          (call $say (call $read #"k" {out} (i32.const 16)))
          (call $say (i32.load (i32.const 16))))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (call $say (call $read #"k" {out} (i32.const 16)))
          (call $write_as (i32.const 77))
          (call $read_k)
          (call $write_as (i32.const 77))
          (call $write_as (i32.const 1))
          (call $say (call $write #"other" #"v" (i32.const 0)))
          (call $write_as (i32.const 0))
          (call $read_k)
          (i32.const 0))
        "#,
    );
    let _ = host.request(GET, true);
    let absent = ["1"];
    let created = ["0", "0", "1"];
    let mismatch_then_match = ["8", "0"];
    let overwritten = ["0", "0", "0", "4"];
    let all = [&absent[..], &created, &mismatch_then_match, &overwritten].concat();
    assert_eq!(said(&host), all);
}

#[test]
fn only_one_worker_creates_a_key() {
    let (world, [one, two]) = workers(&guest(
        r#"
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (call $say (call $write #"lease" #"mine" (i32.const -1))) (i32.const 0))
        "#,
    ));
    let _ = one.request(GET, true);
    let _ = two.request(GET, true);
    assert_eq!(
        (said(&one), said(&two)),
        (vec!["0".to_owned()], vec!["8".to_owned()])
    );
    assert_eq!(world.shared_data("", "lease"), Some((b"mine".to_vec(), 1)));
    assert_eq!(world.shared_keys(""), [b"lease"]);
}

#[test]
fn another_vm_id_is_another_map() {
    let module = guest(
        r#"
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (call $say (call $read #"k" {out} (i32.const 16))) (i32.const 0))
        "#,
    );
    let (world, [one, two]) = workers(&module);
    two.vm_id("limits");
    world.set_shared_data("limits", "k", "v");
    let _ = (one.request(GET, true), two.request(GET, true));
    assert_eq!(
        (said(&one), said(&two)),
        (vec!["1".to_owned()], vec!["0".to_owned()])
    );
}

#[test]
fn the_last_to_register_a_queue_gets_what_is_put_in_later() {
    let (world, [one, two]) = workers(&guest(
        r#"
        (func (export "proxy_on_configure") (param i32 i32) (result i32)
          (i32.eqz (call $register #"q" (i32.const 16))))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (call $say (call $enqueue (i32.load (i32.const 16)) #"hi")) (i32.const 0))
        (func (export "proxy_on_queue_ready") (param i32 i32)
          (call $say (call $dequeue (local.get 1) {out})) (call $tell)
          (call $say (call $dequeue (local.get 1) {out})))
        "#,
    ));
    let _ = one.request(GET, true);
    assert_eq!(said(&two), Vec::<String>::new(), "not inside the callback");
    world.run_queues();
    assert_eq!(said(&one), ["0"]);
    assert_eq!(said(&two), ["0", "hi", "7"]);
}

#[test]
fn metrics_are_shared_and_typed() {
    let (world, [one, two]) = workers(&guest(
        r#"
        (func $define (param $kind i32)
          (call $say (call $metric (local.get $kind) #"hits" (i32.const 16)))
          (call $say (i32.load (i32.const 16))))
        (func (export "proxy_on_configure") (param i32 i32) (result i32)
          (call $define (i32.const 0))
          (drop (call $metric (i32.const 1) #"held" (i32.const 16)))
          (drop (call $metric (i32.const 2) #"took" (i32.const 16)))
          (i32.const 1))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (call $say (call $increment (i32.const 4) (i64.const 2)))
          (call $say (call $increment (i32.const 4) (i64.const 0)))
          (call $say (call $increment (i32.const 5) (i64.const 3)))
          (call $say (call $increment (i32.const 5) (i64.const -1)))
          (call $say (call $record (i32.const 6) (i64.const 9)))
          (call $say (call $increment (i32.const 6) (i64.const 1)))
          (call $say (call $increment (i32.const 400) (i64.const 1)))
          (call $say (call $value (i32.const 6) (i32.const 24)))
          (call $say (call $value (i32.const 4) (i32.const 24)))
          (call $say (i32.load (i32.const 24)))
          (i32.const 0))
        "#,
    ));
    let _ = one.request(GET, true);
    let _ = two.request(GET, true);
    assert_eq!(
        said(&two),
        ["0", "4", "0", "2", "0", "0", "0", "2", "1", "2", "0", "4"]
    );
    assert_eq!(
        (world.metric("hits"), world.metric("held")),
        (Some(4), Some(4))
    );
    assert_eq!(world.histogram("took"), [9, 9]);
    assert_eq!(world.metric("never"), None);
    assert_eq!(world.metric_names(), ["held", "hits", "took"]);
}
