//! gRPC calls: a message or a status, and every way in which there is neither.

use crate::shell::rig::{Plan, upstream};

#[test]
fn a_call_is_answered_by_a_message_or_by_a_status() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).one_worker().start();
    for (call, expected) in [
        ("cluster=http2", "grpc 0 ping"),
        ("cluster=http2&path=Refuse", "grpc 7 "),
        ("cluster=http2&path=Never", "grpc 14 "),
        // Envoy speaks gRPC over HTTP/2 alone, and says so by `unknown`.
        ("cluster=http1", "grpc 2 "),
        ("cluster=refused", "grpc 14 "),
        ("cluster=unhealthy", "failed"),
        ("cluster=full", "failed"),
        ("cluster=no-such-cluster", "failed"),
    ] {
        let text = rig.get(&format!("/grpc?{call}")).text();
        assert_eq!(text, format!("{expected} (asked 2 times)"), "{call}");
    }
    let asked = &upstream.requests()[0];
    assert_eq!(asked.path, "/probe.Service/Echo");
    assert_eq!(asked.messages(), [b"ping"]);
    assert_eq!(asked.header("x-meta"), Some("1"));
    rig.lives();
}

/// Envoy reads the target of a gRPC call as a protobuf message before it takes it for a name. Names
/// that are such a message by chance, `empty` and the empty one among them, abort its process.
#[test]
fn no_name_of_a_cluster_ends_envoy() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();
    let long = "n".repeat(300);
    for name in ["", "empty", "e1234", "x!", "%abcd", &long] {
        let text = rig.get(&format!("/grpc?cluster={name}")).text();
        assert_eq!(text, "failed (asked 2 times)", "{name:?}");
    }
    rig.lives();
}

#[test]
fn a_call_can_follow_a_delay() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();
    let text = rig.get("/delay-grpc?ms=20&cluster=http2").text();
    assert_eq!(text, "grpc 0 ping (asked 2 times)");
    rig.lives();
}
