//! Clients that leave while their request is held: the answer comes to nobody, and nothing is left.

use std::time::Duration;

use crate::shell::rig::{Plan, Rig, SOON, upstream};

/// So many clients ask this and are gone before the answer.
fn leave(rig: &Rig, path: &str, count: usize) {
    let client = rig.client().deadline(Duration::from_millis(150));
    let request = |_| client.get(path).header("x-id", path).request();
    let answers = client.try_burst(count, count, request);
    assert!(answers.iter().all(Result::is_err), "{path} was answered");
    for line in rig.lines(path, count) {
        assert_eq!(line["flags"], "DC", "{line}");
        assert_eq!(line["reason"], "seen,ended", "{line}");
        let end = line["end"].as_str().unwrap();
        assert!(end.ends_with(" 0 asked=1"), "{line}");
    }
}

#[test]
fn an_answer_that_comes_to_nobody_is_ignored() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();
    let admin = rig.envoy.admin();

    leave(&rig, "/http?path=/late", 40);
    leave(&rig, "/grpc?path=Late&cluster=http2", 40);

    for cluster in ["http1", "http2"] {
        let done = format!("cluster.{cluster}.upstream_rq_completed");
        admin.wait_stat(&done, |count| count == 40, SOON);
    }
    assert_eq!(rig.metric("answered[policy=probe]"), 0);
    assert_eq!(rig.metric("ended"), 80);
    rig.lives();
}

#[test]
fn a_wait_that_nobody_waits_for_is_forgotten() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();
    leave(&rig, "/wait?ms=300", 40);
    // Its end has passed as well once a younger one has come to its own.
    assert_eq!(rig.get("/wait?ms=500").text(), "timed out (asked 2 times)");
    assert_eq!(rig.metric("ended"), 41);
    rig.lives();
}

#[test]
fn a_delay_that_nobody_waits_for_is_no_longer_active() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();
    leave(&rig, "/delay-reply?ms=60000", 40);
    rig.wait_metric("active", 0);
    rig.lives();
}
