//! Streams that wait for what is fetched in the background.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use integration::upstream::{Answer, Upstream};
use serde_json::json;

use crate::shell::rig::{Plan, SOON, answer, upstream};

/// Answers the fetch in the background once the gate is open.
fn gated() -> (Upstream, Arc<AtomicBool>) {
    let gate = Arc::new(AtomicBool::new(false));
    let open = Arc::clone(&gate);
    let upstream = Upstream::with(move |request| match request.path.as_str() {
        "/fetch" if open.load(Ordering::SeqCst) => Answer::status(200).body("keys"),
        "/fetch" => Answer::status(503),
        _ => answer(&request),
    });
    (upstream, gate)
}

#[test]
fn a_wait_that_nobody_ends_ends_by_itself() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();
    let response = rig.get("/wait?ms=200");
    assert_eq!(response.text(), "timed out (asked 2 times)");
    assert!(response.elapsed >= Duration::from_millis(200));
    assert_eq!(upstream.count(), 0, "nothing was to be fetched");
    rig.lives();
}

#[test]
fn waiting_streams_are_woken_all_of_them() {
    // Woken streams end inside the callback that wakes them, and some 270 of those end a VM.
    const WAITING: usize = 400;
    let (upstream, gate) = gated();
    let plan = Plan::before(&upstream).one_worker();
    let rig = plan
        .configured(json!({ "cluster": "http1", "fetch": true }))
        .start();
    let client = rig.client();
    let request = |_| {
        let call = client.get("/wait?ms=60000").header("x-id", "waiting");
        call.header("x-go-on", "1")
            .header("x-direct", "1")
            .request()
    };

    let responses = thread::scope(|scope| {
        let waiting = scope.spawn(|| client.burst(WAITING, WAITING, request));
        rig.wait_metric("seen", WAITING as u64);
        assert!(!waiting.is_finished());
        gate.store(true, Ordering::SeqCst);
        waiting.join().unwrap()
    });

    for response in responses {
        assert_eq!((response.status, response.text().as_str()), (200, "direct"));
    }
    for line in rig.lines("waiting", WAITING) {
        assert_eq!(line["end"], "/wait 200 asked=2");
    }
    rig.lives();
}

#[test]
fn a_woken_stream_sees_what_was_fetched_and_is_woken_once() {
    let (upstream, gate) = gated();
    gate.store(true, Ordering::SeqCst);
    let rig = Plan::before(&upstream)
        .configured(json!({ "cluster": "http1", "fetch": true }))
        .start();
    let text = rig.get("/wait?ms=60000").text();
    assert_eq!(text, "woken keys (asked 2 times)");
    rig.lives();
}

/// The first call is made while the configuration is loaded, where one that fails at once is as
/// dangerous as in a stream; later ones are made in ticks.
#[test]
fn a_background_whose_calls_all_fail_goes_on_trying() {
    for cluster in ["no-such-cluster", "empty", "unhealthy", "refused", "full"] {
        let upstream = upstream();
        let rig = Plan::before(&upstream)
            .configured(json!({ "cluster": cluster, "fetch": true }))
            .start();
        assert_eq!(rig.get("/wait").text(), "timed out (asked 2 times)");
        if cluster == "refused" {
            let tried = "cluster.refused.upstream_cx_connect_fail";
            rig.envoy.admin().wait_stat(tried, |count| count > 9, SOON);
        }
        rig.lives();
    }
}
