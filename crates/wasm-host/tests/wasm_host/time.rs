//! Clocks and ticks.

use super::guest::{GET, host, said};
use std::time::Duration;
use wasm_host::{Host, Ticks, World};

const MS: Duration = Duration::from_millis(1);

/// Says in each tick how many milliseconds have passed on the monotonic clock.
const METRONOME: &str = r#"
    (global $start (mut i64) (i64.const 0))
    (func $now (result i64)
      (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 8)))
      (i64.load (i32.const 8)))
    (func (export "proxy_on_configure") (param i32 i32) (result i32)
      (global.set $start (call $now))
      (i32.eqz (call $tick (i32.const 20))))
    (func (export "proxy_on_tick") (param i32)
      (call $say (i32.wrap_i64
        (i64.div_u (i64.sub (call $now) (global.get $start)) (i64.const 1000000)))))
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
      (call $tick (i32.const 0)))
"#;

#[test]
fn a_tick_comes_once_in_a_period_until_it_is_disarmed() {
    let host = host(METRONOME);
    assert_eq!(host.tick_period(), Some(20 * MS));
    host.advance(19 * MS);
    assert_eq!(said(&host), Vec::<String>::new());
    host.advance(50 * MS);
    assert_eq!(said(&host), ["20", "40", "60"]);
    let _ = host.request(GET, true);
    assert_eq!(host.tick_period(), None);
    host.advance(100 * MS);
    assert_eq!(said(&host).len(), 3);
}

#[test]
fn ticks_can_be_early_or_late() {
    for (ticks, moments) in [
        (Ticks::Early(3 * MS), ["17", "34", "51"]),
        (Ticks::Late(4 * MS), ["24", "48", "72"]),
        (Ticks::Early(15 * MS), ["10", "20", "30"]),
    ] {
        let world = World::new();
        world.ticks(ticks);
        let host = Host::in_world(&super::guest::guest(METRONOME), &world).unwrap();
        assert!(host.configure(b""));
        host.advance(72 * MS);
        assert_eq!(said(&host)[..3], moments);
    }
}

#[test]
fn ticks_of_a_dead_vm_stop() {
    let host = host(
        r#"
        (func (export "proxy_on_configure") (param i32 i32) (result i32)
          (i32.eqz (call $tick (i32.const 1))))
        (func (export "proxy_on_tick") (param i32) unreachable)
        "#,
    );
    host.advance(1000 * MS);
    assert!(
        host.dead()
            .is_some_and(|death| death.contains("proxy_on_tick"))
    );
}

#[test]
fn the_system_clock_can_jump_and_the_monotonic_one_cannot() {
    let host = host(
        r#"
        (func $seconds (param i32)
          (drop (call $clock (local.get 0) (i64.const 0) (i32.const 8)))
          (call $say (i32.wrap_i64 (i64.div_u (i64.load (i32.const 8)) (i64.const 1000000000)))))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (call $seconds (i32.const 0))
          (drop (call $time (i32.const 8)))
          (call $say (i32.wrap_i64 (i64.rem_u (i64.load (i32.const 8)) (i64.const 1000000000))))
          (call $seconds (i32.const 1))
          (call $clock (i32.const 2) (i64.const 0) (i32.const 8)))
        "#,
    );
    host.set_time(5_000_001_999);
    let _ = host.request(GET, true);
    host.set_time(3_000_000_000);
    host.advance(Duration::from_secs(2));
    let _ = host.request(GET, true);
    // The system clock has whole microseconds.
    assert_eq!(said(&host), ["5", "1000", "1000", "5", "0", "1002"]);
}

#[test]
fn random_numbers_differ_between_workers_and_repeat_between_runs() {
    let draw = || {
        let world = World::new();
        let module = super::guest::guest(
            r#"
            (func (export "proxy_on_configure") (param i32 i32) (result i32)
              (drop (call $random (i32.const 8) (i32.const 4)))
              (call $say (i32.load (i32.const 8))) (i32.const 1))
            "#,
        );
        let hosts = [
            Host::in_world(&module, &world).unwrap(),
            Host::in_world(&module, &world).unwrap(),
        ];
        hosts.map(|host| {
            assert!(host.configure(b""));
            said(&host)
        })
    };
    let [first, second] = draw();
    assert_ne!(first, second);
    assert_eq!(draw(), [first, second]);
}

#[test]
fn what_wasi_prints_is_logged_and_what_it_lacks_traps_by_name() {
    let host = host(
        r#"
        (func (export "proxy_on_configure") (param i32 i32) (result i32)
          (i32.store (i32.const 8) (i32.const 100))
          (i32.store (i32.const 12) (i32.const 3))
          (i32.store8 (i32.const 100) (i32.const 111))
          (i32.store8 (i32.const 101) (i32.const 104))
          (i32.store8 (i32.const 102) (i32.const 10))
          (i32.eqz (call $fd_write (i32.const 2) (i32.const 8) (i32.const 1) (i32.const 16))))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (call $fd_readdir (i32.const 3) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 0)))
        "#,
    );
    assert_eq!(said(&host), ["oh"]);
    let _ = host.request(GET, true);
    let death = host.dead().expect("a cause");
    assert!(death.contains("fd_readdir"), "{death}");
}

#[test]
fn environment_variables_are_counted() {
    let world = World::new();
    let module = super::guest::guest(
        r#"
        (func (export "_initialize")
          (drop (call $environ_sizes (i32.const 8) (i32.const 12)))
          (call $say (i32.load (i32.const 8))) (call $say (i32.load (i32.const 12))))
        "#,
    );
    let host = Host::with_environment(&module, &world, &[("A", "b")]).unwrap();
    assert_eq!(said(&host), ["1", "4"]);
}
