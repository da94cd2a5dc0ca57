//! The end of a stream is seen once, whoever answered it.

use serde_json::{Value, json};

use crate::shell::rig::{Plan, upstream};

/// Answers what carries `x-abort` before the probe sees it.
fn abort() -> Value {
    json!({ "name": "abort", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
        "abort": { "http_status": 418, "percentage": { "numerator": 100 } },
        "headers": [{ "name": "x-abort", "present_match": true }],
    }})
}

/// Refuses what does not go to a path of the probe's.
fn access() -> Value {
    json!({ "name": "access", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
        "rules": { "action": "DENY", "policies": { "no": {
            "permissions": [{ "header": { "name": "x-deny", "present_match": true } }],
            "principals": [{ "any": true }],
        }}},
    }})
}

#[test]
fn a_stream_that_an_earlier_filter_answered_ends_once() {
    let upstream = upstream();
    let rig = Plan::before(&upstream)
        .behind(abort())
        .behind(access())
        .start();
    for (header, status) in [("x-abort", 418), ("x-deny", 403)] {
        let call = rig.client().get("/reply?q=1").header(header, "1");
        let response = call.header("x-id", header).send();
        assert_eq!(response.status, status);
        let line = rig.line(header);
        assert_eq!(line["reason"], "ended", "{line}");
        assert_eq!(line["end"], format!("/reply {status} asked=0"), "{line}");
    }
    assert_eq!((rig.metric("seen"), rig.metric("ended")), (0, 2));

    rig.client().get("/reply").header("x-id", "ours").send();

    assert_eq!(rig.line("ours")["reason"], "seen,ended");
    assert_eq!((rig.metric("seen"), rig.metric("ended")), (1, 3));
    rig.lives();
}

#[test]
fn a_stream_of_any_length_ends_once() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();
    let body = "b".repeat(300_000);
    let call = rig.client().post("/post", &body).header("x-id", "post");
    let response = call.trailer("x-last", "word").send();
    assert_eq!(response.json().unwrap()["body"], body);
    assert_eq!(rig.line("post")["end"], "/post 200 asked=1");
    assert_eq!((rig.metric("seen"), rig.metric("ended")), (0, 1));
    rig.lives();
}
