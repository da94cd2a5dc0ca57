//! What a VM that dies takes with it, under each failure policy.

use std::thread;
use std::time::Duration;

use integration::service::wait::until;
use integration::upstream::Upstream;
use serde_json::json;

use crate::shell::rig::{Plan, Rig, SOON, plugin, upstream};

/// The one worker's VM dies of a request; whatever the policy, that one fails.
fn kill(rig: &Rig) {
    let response = rig.client().get("/trap").header("x-id", "trap").send();
    assert_eq!((response.status, response.text().as_str()), (503, ""));
    assert_eq!(rig.line("trap")["details"], "wasm_fail_stream");
    rig.wait_death();
}

#[test]
fn fail_closed_refuses_everything_from_then_on() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).one_worker().start();
    kill(&rig);
    for _ in 0..3 {
        assert_eq!(rig.get("/").status, 503);
    }
    assert_eq!(upstream.count(), 0);
}

#[test]
fn fail_open_lets_everything_pass_from_then_on() {
    let upstream = upstream();
    let plan = Plan::before(&upstream).one_worker();
    let rig = plan.failing("FAIL_OPEN").start();
    kill(&rig);
    for _ in 0..3 {
        assert_eq!(rig.get("/reply").json().unwrap()["path"], "/reply");
    }
}

fn reloading(upstream: &Upstream) -> Rig {
    let plan = Plan::before(upstream).one_worker();
    let mut plan = plan.failing("FAIL_RELOAD");
    let reload = json!({ "backoff": { "base_interval": "0.05s" } });
    plugin(plan.listener())["reload_config"] = reload;
    plan.start()
}

fn serves_again(rig: &Rig) {
    let serves = || (rig.get("/reply").text() == "told").then_some(());
    until(SOON, serves).expect("a VM that serves");
}

#[test]
fn fail_reload_serves_again() {
    let upstream = upstream();
    let rig = reloading(&upstream);
    for _ in 0..2 {
        kill(&rig);
        serves_again(&rig);
    }
    assert_eq!(rig.get("/delay-reply?ms=20").text(), "delayed");
    assert_eq!(rig.metric("active"), 0);
}

#[test]
fn other_workers_go_on() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();
    kill(&rig);
    serves_again(&rig);
}

/// Envoy tells nobody that a VM died, so what it held stays in the gauge. The new one counts up and
/// down from there.
#[test]
fn what_a_dead_vm_held_hangs_until_its_client_leaves() {
    let upstream = upstream();
    let rig = reloading(&upstream);
    let client = rig.client().deadline(Duration::from_secs(2));
    let held = |ms: u32| {
        let request = |_| client.get(&format!("/delay-reply?ms={ms}")).request();
        client.try_burst(3, 3, request)
    };
    thread::scope(|scope| {
        let hanging = scope.spawn(|| held(500));
        rig.wait_metric("active", 3);
        kill(&rig);
        assert!(hanging.join().unwrap().iter().all(Result::is_err));
    });
    serves_again(&rig);
    thread::scope(|scope| {
        let delayed = scope.spawn(|| held(1000));
        rig.wait_metric("active", 6);
        assert!(delayed.join().unwrap().iter().all(Result::is_ok));
    });
    assert_eq!(rig.metric("active"), 3);
}
