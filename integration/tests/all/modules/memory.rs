//! What requests leave in a module's memory: nothing.

use std::time::Duration;

use wasm_host::{Host, Stream};

use super::{ABORT, DELAY, GET, KEYED, POLICIES};
use super::{authorization, fault, limits, loaded, telemetry};

/// A page of wasm's memory.
const PAGE: u64 = 64 * 1024;

/// Twenty requests at once, time enough for all that holds them to end, and their end.
fn round(host: &Host, path: &str, clients_leave: bool) {
    let headers: Vec<_> = GET
        .iter()
        .map(|(name, value)| (*name, if *name == ":path" { path } else { *value }))
        .collect();
    let streams = [0; 20].map(|_| host.request(&*headers, true));
    if clients_leave {
        streams.iter().for_each(Stream::disconnect);
    }
    host.advance(Duration::from_secs(2));
    streams.iter().for_each(Stream::done);
}

#[test]
fn a_thousand_requests_leave_nothing_in_memory() {
    let probe = || loaded("probe", r#"{ "cluster": "silent" }"#);
    for (host, path) in [
        (loaded("noop", ""), "/"),
        (fault(ABORT), "/"),
        (fault(DELAY), "/"),
        (authorization(POLICIES), "/a"),
        (authorization(POLICIES), "/b"),
        (limits(KEYED), "/"),
        (
            telemetry(
                r#"{"metrics": [{}], "tags": [{"name": "a", "expression": "request.path"}]}"#,
            ),
            "/",
        ),
        (probe(), "/edits"),
        (probe(), "/reply"),
        (probe(), "/wait"),
        (probe(), "/http"),
        (probe(), "/grpc"),
        (probe(), "/delay-ask"),
        (probe(), "/cell"),
    ] {
        (0..6).for_each(|n| round(&host, path, n % 2 == 0));
        let before = host.memory();
        (0..50).for_each(|n| round(&host, path, n % 2 == 0));
        let grown = host.memory() - before;
        assert!(grown <= PAGE, "{path}: grown by {grown} bytes");
        assert_eq!(host.dead(), None, "{path}");
    }
}
