//! What a filter changes on the way there and back, and what it leaves in filter state.

use crate::shell::rig::{Plan, upstream};

#[test]
fn headers_are_set_added_and_removed_on_both_ways() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();

    let call = rig.client().get("/edits").header("x-id", "edits");
    let response = call
        .header("x-set", "old")
        .header("x-set", "older")
        .header("x-add", "1")
        .header("x-remove", "1")
        .header("x-remove", "2")
        .header("x-echo-header", "x-probe=own")
        .send();

    assert_eq!(response.status, 200);
    let arrived = &upstream.requests()[0];
    assert_eq!(arrived.values("x-set"), [b"new"]);
    assert_eq!(arrived.values("x-add"), [b"1", b"2"]);
    assert_eq!(arrived.values("x-remove"), [b""; 0]);
    assert_eq!(arrived.values("x-bytes"), [b"\x80caf\xe9\xff"]);
    let values = |name: &str| -> Vec<&[u8]> {
        let named = response.headers.iter().filter(|(field, _)| field == name);
        named.map(|(_, value)| value.as_slice()).collect()
    };
    assert_eq!(values("x-probe"), [b"own".as_slice(), b"\xe9t\xe9"]);
    assert_eq!(values("x-probe-status"), [b"200"]);
    rig.lives();
}

#[test]
fn a_value_that_would_end_its_line_is_dropped_on_both_ways() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();

    let response = rig.get("/edits");

    for name in ["x-evil", "x-injected"] {
        assert_eq!(response.header(name), None);
        assert_eq!(upstream.requests()[0].header(name), None);
    }
    rig.lives();
}

#[test]
fn state_and_reasons_are_in_the_access_log() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();

    rig.client().get("/edits").header("x-id", "state").send();

    let line = rig.line("state");
    assert_eq!(line["state"], "left behind");
    assert_eq!(line["reason"], "seen,ended");
    assert_eq!(line["end"], "/edits 200 asked=1");
    assert_eq!((rig.metric("seen"), rig.metric("ended")), (1, 1));
}

#[test]
fn a_function_of_the_host_answers_or_is_missing() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();
    assert_eq!(rig.get("/host-function").text(), "true true");
}
