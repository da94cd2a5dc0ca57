//! A service that speaks HTTP.

use std::time::Duration;

use integration::client::Request;
use integration::envoy::{Capability, lacks};
use integration::upstream::Answer;
use serde_json::json;

use super::rig::{Kind, Rig, call, get, method, post};

fn answer() -> Answer {
    Answer::status(200)
        .header("x-user", "a")
        .header("x-user", "b")
        .header("x-role", "admin")
        .header("x-role", "reader")
        .header("set-cookie", "s=1")
        .header("set-cookie", "t=2")
        .header("content-type", "text/html")
        .header("location", "/login")
        .header("www-authenticate", "Bearer")
        .header("cache-control", "no-store")
        .header("x-envoy-auth-headers-to-remove", "x-old, Host,:path")
        .body("<b>hi</b>")
}

fn requests() -> Vec<Request> {
    let full = |request: Request| {
        request
            .header("authorization", "Basic YTpi")
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .header("x-user", "eve")
            .header("x-user", "mallory")
            .header("x-old", "1")
            .header("x-bytes", b"caf\xe9\xff")
            .header("x-envoy-auth-partial-body", "true")
            .header("accept", "*/*")
    };
    vec![
        get("/"),
        full(get("/a%20b?c=d&e")),
        full(post("/upload", vec![b'x'; 10_000])),
        full(method("DELETE", "/x")),
        method("HEAD", "/"),
        method("OPTIONS", "/"),
        full(call("/pkg.Service/Method", b"ping")),
        get("/").authority("other.example:8080"),
        get("/").header("x-forwarded-for", "1.2.3.4"),
    ]
}

#[test]
fn a_service_without_lists() {
    if lacks(Capability::RefusalsOverHttp) {
        return;
    }
    let rig = Rig::start(Kind::Http, &json!({}));
    for status in [200, 201, 204, 302, 401, 403, 404, 429, 500, 503] {
        let mut answer = answer();
        answer.status = status;
        if status == 204 {
            answer.body.clear();
        }
        for request in requests() {
            rig.assert_alike(&request, &answer);
        }
    }
}

#[test]
fn a_service_with_every_list() {
    if lacks(Capability::RefusalsOverHttp) {
        return;
    }
    let fields = json!({
        "pathPrefix": "/check",
        "includeRequestHeadersInCheck": ["X-*", "cookie", "*-length"],
        "includeAdditionalHeadersInCheck": {
            "x-fixed": "100%%",
            "x-user": "%REQ(:authority)%",
            "x-path": "p%REQ(:PATH)%",
            "x-none": "%REQ(x-none)%",
            "x-raw": "%REQ(x-bytes)% %REQ(x-bytes)%",
            "x-other": "%REQ(x-none?X-USER)%",
        },
        "headersToUpstreamOnAllow": ["x-user", "*-ROLE"],
        "headersToDownstreamOnAllow": ["set-*", "x-role"],
        "headersToDownstreamOnDeny": ["set-cookie", "x-u*"],
        "statusOnError": "429",
    });
    let rig = Rig::start(Kind::Http, &fields);
    for status in [200, 302, 403, 502] {
        let mut answer = answer();
        answer.status = status;
        for request in requests() {
            rig.assert_alike(&request, &answer);
        }
    }
}

#[test]
fn a_service_that_does_not_answer() {
    if lacks(Capability::RefusalsOverHttp) {
        return;
    }
    for fail_open in [false, true] {
        let fields = json!({"timeout": "0.1s", "failOpen": fail_open, "statusOnError": "503"});
        let slow = Answer::status(200).after(Duration::from_secs(2));
        let rig = Rig::start(Kind::Http, &fields);
        for request in [get("/"), call("/pkg.Service/Method", b"ping")] {
            rig.assert_alike(&request, &slow);
        }
        let nobody = integration::upstream::Upstream::start().addr();
        let rig = Rig::before(Kind::Http, &fields, nobody);
        for request in [get("/"), call("/pkg.Service/Method", b"ping")] {
            rig.assert_alike(&request, &Answer::status(200));
        }
    }
}

#[test]
fn a_large_refusal() {
    let rig = Rig::start(Kind::Http, &json!({}));
    let answer = Answer::status(403).body(vec![b'x'; 3_000_000]);
    rig.assert_alike(&get("/"), &answer);
}

/// Whose answers come when nobody waits for them any more.
#[test]
fn clients_that_leave() {
    let rig = Rig::start(Kind::Http, &json!({}));
    let slow = Answer::status(200).after(Duration::from_millis(300));
    rig.leave(20, &get("/"), &slow);
    for _ in 0..8 {
        rig.assert_alike(&get("/"), &Answer::status(200));
    }
    assert!(!rig.envoy.log().contains("Function: proxy_"), "a VM failed");
}

/// Envoy's filter names nobody unless the client's name is passed on; ours names itself, and puts it
/// in nobody's place.
#[test]
fn who_asks() {
    let request = get("/").header("user-agent", "curl/8");
    let answer = Answer::status(200);
    for (fields, native, ours) in [
        (json!({}), None, Some("mesh-filters/")),
        (
            json!({"includeRequestHeadersInCheck": ["user-agent"]}),
            Some("curl/8"),
            Some("curl/8"),
        ),
    ] {
        let rig = Rig::start(Kind::Http, &fields);
        for (listener, begins) in [("native", native), ("ours", ours)] {
            let asked = &rig.send(listener, &request, &answer).asked[0];
            let agent = asked.header("user-agent");
            match begins {
                Some(begins) => assert!(agent.unwrap().starts_with(begins), "{agent:?}"),
                None => assert_eq!(agent, None),
            }
            // Whatever is not said is anything.
            assert_eq!(asked.header("accept"), None);
        }
        rig.assert_alike(&request, &answer);
    }
}
