//! Answers of the filter's own.

use integration::client::{Client, Request};

use crate::shell::rig::{Plan, upstream};

#[test]
fn a_plain_request_gets_status_text_and_headers() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();

    let response = rig.client().get("/reply").header("x-id", "plain").send();

    assert_eq!((response.status, response.text().as_str()), (299, "told"));
    assert_eq!(response.header("content-type"), Some("text/plain"));
    assert_eq!(response.header("x-probe"), Some("1"));
    assert_eq!(response.header("x-evil"), None, "it would end its line");
    assert_eq!(response.header("x-injected"), None);
    assert_eq!(response.grpc_status(), None);
    // The answer passes the filter's own response callback.
    assert_eq!(response.header("x-probe-status"), Some("299"));
    let line = rig.line("plain");
    assert_eq!(line["details"], "mesh_filters.probe{seen}");
    assert_eq!(line["reason"], "seen,ended");
    assert_eq!(line["code"], 299);
    assert_eq!(upstream.count(), 0);
}

#[test]
fn a_grpc_request_gets_a_grpc_status() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();
    let client = Client::http2(rig.envoy.addr("probe"));

    let response = client.send(Request::grpc("/reply", b"m").header("x-id", "grpc"));

    assert_eq!((response.status, response.grpc_status()), (200, Some(9)));
    assert_eq!(response.grpc_message(), Some("told"));
    assert_eq!(response.header("x-probe"), Some("1"));
    assert_eq!(rig.line("grpc")["details"], "mesh_filters.probe{seen}");
}

#[test]
fn an_absurd_answer_is_still_an_answer() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();
    for _ in 0..3 {
        let response = rig.client().get("/absurd").header("x-id", "absurd").send();
        assert_eq!(response.status, 500);
    }
    let line = rig.line("absurd");
    assert_eq!(line["details"], "mesh_filters.probe{seen}");
    rig.lives();
}
