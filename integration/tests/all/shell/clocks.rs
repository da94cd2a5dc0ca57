//! Delays against clocks and timers that do not behave.

use std::time::Duration;

use wasm_host::{Host, State, Stream, Ticks, World};

use crate::shell::in_wasm::{MS, get, well, worker};

/// How long until the stream goes on, to the millisecond.
fn held(host: &Host, stream: &Stream) -> Duration {
    let mut passed = Duration::ZERO;
    while stream.state() == State::Paused {
        assert!(passed < Duration::from_secs(60), "still held");
        host.advance(MS);
        passed += MS;
    }
    passed
}

#[test]
fn no_timer_ends_a_delay_early_and_none_much_later() {
    for (ticks, grain) in [
        (Ticks::Exact, Duration::ZERO),
        (Ticks::Early(3 * MS), MS),
        (Ticks::Early(Duration::from_secs(1)), MS),
        (Ticks::Late(4 * MS), 4 * MS),
    ] {
        let world = World::new();
        world.ticks(ticks);
        let host = worker(&world);
        for ms in [1, 2, 3, 5, 20, 100, 999] {
            let delay = ms * MS;
            let held = held(&host, &get(&host, &format!("/delay?ms={ms}")));
            assert!(held >= delay, "{ticks:?}: {delay:?} ended after {held:?}");
            assert!(held <= delay + grain, "{ticks:?}: {delay:?} took {held:?}");
        }
        assert_eq!(host.tick_period(), None, "an idle timer is disarmed");
        well(&host);
    }
}

#[test]
fn a_step_of_the_system_clock_changes_no_delay() {
    let year = 365 * 24 * 3600 * 1_000_000_000;
    for step in [|now, by| now + by, |now: u64, by| now - by, |_, _| 0] {
        let world = World::new();
        let host = worker(&world);
        let stream = get(&host, "/delay?ms=100");
        world.advance(50 * MS);
        world.set_time(step(world.time(), year));
        assert_eq!(held(&host, &stream), 50 * MS);
        // The next one begins under the changed clock.
        let stream = get(&host, "/delay?ms=100");
        world.set_time(step(world.time(), year / 1000));
        assert_eq!(held(&host, &stream), 100 * MS);
        well(&host);
    }
}

#[test]
fn a_sooner_deadline_goes_before_one_that_is_armed() {
    let host = worker(&World::new());
    let late = get(&host, "/delay?ms=500");
    let soon = get(&host, "/delay?ms=20");
    assert_eq!(held(&host, &soon), 20 * MS);
    assert_eq!(late.state(), State::Paused);
    assert_eq!(held(&host, &late), 480 * MS);
    well(&host);
}

/// `well` would tell of a callback that resumed more than 64.
#[test]
fn what_is_due_at_once_goes_in_batches_by_the_queue_in_the_order_of_deadlines() {
    const STREAMS: u64 = 300;
    let world = World::new();
    // All are due when the timer fires at last.
    world.ticks(Ticks::Late(Duration::from_secs(1)));
    let host = worker(&world);
    let delay = |n: u64| 1 + n * 37 % 50;
    let streams: Vec<_> = (0..STREAMS)
        .map(|n| get(&host, &format!("/delay-ask?ms={}&path=/{n}", delay(n))))
        .collect();

    host.reset_host_calls();
    let timer = delay(0).min(1) + 1000;
    world.advance(Duration::from_millis(timer));

    // Calls are numbered in the order in which they were made.
    let made: Vec<u64> = host
        .calls()
        .iter()
        .map(|call| call.headers.text(":path").unwrap())
        .map(|path| path.trim_start_matches('/').parse().unwrap())
        .collect();
    let mut expected: Vec<u64> = (0..STREAMS).collect();
    expected.sort_by_key(|n| delay(*n));
    assert_eq!(made, expected, "each at once, and in order");
    let calls = host.host_calls();
    assert_eq!(calls["proxy_register_shared_queue"], 1);
    assert_eq!(
        calls["proxy_enqueue_shared_queue"],
        STREAMS.div_ceil(64) - 1
    );
    for call in host.calls() {
        host.answer_http(call.id, &[(":status", "200")], "x", &[] as &[(&str, &str)])
            .unwrap();
    }
    assert!(streams.iter().all(|stream| stream.reply().is_some()));
    well(&host);
}

#[test]
fn streams_that_are_gone_cost_no_resume() {
    let host = worker(&World::new());
    let streams: Vec<_> = (0..300).map(|_| get(&host, "/delay?ms=20")).collect();
    for gone in streams.iter().step_by(2) {
        gone.disconnect();
    }
    host.reset_host_calls();
    host.advance(20 * MS);
    let stayed: Vec<_> = streams.iter().skip(1).step_by(2).collect();
    assert!(
        stayed
            .iter()
            .all(|stream| stream.state() == State::Continued)
    );
    assert_eq!(host.host_calls()["proxy_continue_stream"], 150);
    well(&host);
}

#[test]
fn a_timeout_below_a_millisecond_is_a_limit_all_the_same() {
    let host = worker(&World::new());
    for path in [
        "/http?timeout-us=1",
        "/grpc?timeout-us=1",
        "/http?timeout-us=18446744073709551615",
    ] {
        let _ = get(&host, path);
    }
    let limits: Vec<_> = host.calls().iter().map(|call| call.timeout).collect();
    assert!(limits.iter().all(Option::is_some), "{limits:?}");
    assert_eq!(limits.len(), 3);
    well(&host);
}
