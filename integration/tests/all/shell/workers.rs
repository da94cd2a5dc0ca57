//! Two workers of one process.

use std::time::Duration;

use wasm_host::{Host, State, World};

use crate::shell::in_wasm::{MS, get, well, worker};

fn active(world: &World) -> Option<u64> {
    world.metric("mesh_filters.probe.active")
}

/// A world with two workers.
fn two() -> (World, [Host; 2]) {
    let world = World::new();
    let hosts = [worker(&world), worker(&world)];
    (world, hosts)
}

#[test]
fn a_cell_is_one_for_all_of_them() {
    let (_, hosts) = two();
    let mut counts = Vec::new();
    for _ in 0..3 {
        for host in &hosts {
            let reply = get(host, "/cell").reply().expect("a reply");
            counts.push(String::from_utf8(reply.body).unwrap());
        }
    }
    assert_eq!(counts, ["1", "2", "3", "4", "5", "6"]);
    hosts.iter().for_each(well);
}

#[test]
fn the_gauge_of_held_streams_counts_all_of_them() {
    let (world, [one, other]) = two();
    assert_eq!(active(&world), Some(0));
    let held = [get(&one, "/delay?ms=100"), get(&other, "/delay?ms=100")];
    let leaving = get(&other, "/delay?ms=100");
    assert_eq!(active(&world), Some(3));

    leaving.disconnect();
    assert_eq!(active(&world), Some(2));

    world.advance(100 * MS);
    assert!(held.iter().all(|stream| stream.state() == State::Continued));
    assert_eq!(active(&world), Some(0));
    // A wait or a call holds a stream as well, but it is not delayed.
    let _ = (get(&one, "/wait"), get(&other, "/http"));
    assert_eq!(active(&world), Some(0));
    well(&one);
    well(&other);
}

#[test]
fn a_worker_has_a_timer_and_a_queue_of_its_own() {
    let (world, [one, other]) = two();
    let hold = |host: &Host| -> Vec<_> { (0..150).map(|_| get(host, "/delay?ms=10")).collect() };
    let held = [hold(&one), hold(&other)];
    assert_eq!(one.tick_period(), Some(10 * MS));

    world.advance(10 * MS);

    let all = held.iter().flatten();
    assert!(
        all.into_iter()
            .all(|stream| stream.state() == State::Continued)
    );
    assert_eq!(one.tick_period(), None);
    assert_eq!(other.tick_period(), None);
    world.advance(Duration::from_secs(1));
    well(&one);
    well(&other);
}

#[test]
fn what_is_loaded_is_announced_once_and_again_when_it_changes() {
    let (_, [one, other]) = two();
    let announced = |host: &Host| -> usize {
        let log = host.log();
        log.iter()
            .filter(|(_, line)| line.contains(": configured: "))
            .count()
    };
    assert_eq!((announced(&one), announced(&other)), (1, 0));
    for host in [&one, &other] {
        assert!(host.configure(br#"{ "cluster": "elsewhere" }"#));
    }
    assert_eq!(announced(&one) + announced(&other), 2);
}
