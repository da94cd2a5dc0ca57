//! When work in the background is done.

use wasm_host::{Headers, Host, State, World};

use crate::shell::in_wasm::{MS, get, well, worker_with};

/// A worker that fetches in the background, and has just been told that there is nothing: it has set
/// its timer to 100 ms.
fn worker() -> Host {
    let host = worker_with(&World::new(), br#"{ "cluster": "there", "fetch": true }"#);
    answer(&host, "503");
    host
}

fn answer(host: &Host, status: &str) {
    let calls = host.calls();
    assert_eq!(calls.len(), 1, "{calls:?}");
    host.answer_http(calls[0].id, &[(":status", status)], "keys", Headers::new())
        .unwrap();
}

#[test]
fn it_is_done_when_its_timer_fires() {
    let host = worker();
    host.advance(99 * MS);
    assert!(host.calls().is_empty());
    host.advance(MS);
    assert_eq!(host.calls().len(), 1);
    well(&host);
}

#[test]
fn a_stream_that_waits_has_it_done_at_once() {
    let host = worker();
    let stream = get(&host, "/wait?ms=1000");
    // Not in the stream's own callback: the call is to outlive the stream.
    assert!(host.calls().is_empty());
    host.run_queues();
    assert_eq!(host.calls().len(), 1);
    stream.disconnect();
    answer(&host, "200");
    // The time that was set before no longer counts.
    host.advance(99 * MS);
    assert!(host.calls().is_empty());
    well(&host);
}

#[test]
fn streams_that_wait_together_have_it_done_once() {
    let host = worker();
    let streams = [0; 5].map(|_| get(&host, "/wait?ms=1000"));
    host.run_queues();
    answer(&host, "200");
    host.advance(MS);
    for stream in &streams {
        // Woken, the probe answers.
        assert!(matches!(stream.state(), State::Replied(_)));
    }
    let _later = get(&host, "/wait?ms=1000");
    host.run_queues();
    assert_eq!(host.calls().len(), 1);
    well(&host);
}
