//! A hold ends once: what else was to end it finds the stream in another hold, or in none.

use wasm_host::{Host, State, Stream, World};

use crate::shell::in_wasm::{MS, get, get_with, well, worker_with};

/// A worker that has a fetch in the background on its way.
fn fetching() -> Host {
    let host = worker_with(&World::new(), br#"{ "cluster": "there", "fetch": true }"#);
    assert_eq!(host.calls().len(), 1);
    host
}

/// The fetch in the background is answered, which wakes what waits.
fn wake(host: &Host) {
    let fetch = host.calls()[0].id;
    let nothing: &[(&str, &str)] = &[];
    host.answer_http(fetch, &[(":status", "200")], "keys", nothing)
        .unwrap();
    host.advance(MS);
}

/// What the probe told the upstream when it let the stream go on.
fn told(stream: &Stream) -> Option<String> {
    stream.request_now().text("x-probe")
}

/// How often the probe was asked about the stream, of which it keeps count to the end.
fn asked(stream: &Stream) -> String {
    stream.done();
    let end = stream.filter_state("wasm.probe.end").expect("an end");
    let end = String::from_utf8(end).unwrap();
    end.rsplit(' ').next().unwrap().to_owned()
}

#[test]
fn a_wait_that_was_woken_does_not_time_out_as_well() {
    let host = fetching();
    let stream = get_with(&host, "/wait?ms=100", &[("x-go-on", "1")]);
    wake(&host);
    assert_eq!(stream.state(), State::Continued);
    assert_eq!(told(&stream).unwrap(), "woken keys (asked 2 times)");

    host.advance(200 * MS);

    assert_eq!(asked(&stream), "asked=2");
    well(&host);
}

#[test]
fn a_wait_that_timed_out_is_not_woken_as_well() {
    let host = fetching();
    let stream = get_with(&host, "/wait?ms=100", &[("x-go-on", "1")]);
    host.advance(100 * MS);
    assert_eq!(told(&stream).unwrap(), "timed out (asked 2 times)");

    wake(&host);

    assert_eq!(asked(&stream), "asked=2");
    well(&host);
}

#[test]
fn a_fetch_that_fails_wakes_nobody() {
    let host = fetching();
    let stream = get(&host, "/wait?ms=5000");
    for _ in 0..3 {
        let fetch = host.calls()[0].id;
        host.fail_http(fetch).unwrap();
        // The probe tries again after so long.
        host.advance(100 * MS);
        assert_eq!(stream.state(), State::Paused);
    }
    wake(&host);
    assert!(stream.reply().is_some());
    well(&host);
}

#[test]
fn an_answer_that_is_late_for_its_stream_changes_nothing() {
    let host = fetching();
    for path in ["/http", "/grpc"] {
        let stream = get(&host, path);
        let call = host.calls().last().unwrap().id;
        stream.disconnect();
        match path {
            "/http" => host.break_http(call),
            _ => host.answer_grpc(call, 0, "late"),
        }
        .unwrap();
        assert_eq!(stream.reply(), None);
    }
    well(&host);
}
