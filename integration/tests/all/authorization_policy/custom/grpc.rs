//! A service that speaks gRPC.

use std::time::Duration;

use integration::client::Request;
use integration::envoy::{Capability, lacks_in_part};
use integration::upstream::Answer;
use prost::Message as _;
use serde_json::json;

use crate::authorization_policy::peers::WORLD;

use super::proto::{
    CheckRequest, CheckResponse, Code, Denied, Flag, HeaderOption, OkResponse, Outcome, Pair,
};
use super::rig::{Kind, Rig, Seen, assert_same, call, comparable, get, method, post};

fn pair(key: &str, value: &str) -> Pair {
    Pair {
        key: key.to_owned(),
        value: value.to_owned(),
        raw_value: vec![],
    }
}

fn header(key: &str, value: &str, append: Option<bool>, append_action: i32) -> HeaderOption {
    HeaderOption {
        header: Some(pair(key, value)),
        append: append.map(|value| Flag { value }),
        append_action,
    }
}

fn answer(code: i32, outcome: Option<Outcome>) -> Answer {
    let status = Some(Code { code });
    Answer::grpc(&CheckResponse { status, outcome }.encode_to_vec())
}

fn ok(ok: OkResponse) -> Answer {
    answer(0, Some(Outcome::Ok(ok)))
}

/// What the service was asked, without what differs between two requests.
fn check(seen: &mut Seen) -> Option<CheckRequest> {
    let asked = seen.asked.first_mut()?;
    let mut check =
        CheckRequest::decode(asked.messages().first()?.as_slice()).expect("a CheckRequest");
    asked.body.clear();
    // To a call of its own Envoy adds the address of the machine it runs on; wasm calls have none.
    asked
        .headers
        .retain(|(name, _)| !matches!(name.as_str(), "content-length" | "x-forwarded-for"));
    let attributes = check.attributes.as_mut()?;
    let peers = [&mut attributes.source, &mut attributes.destination];
    for peer in peers.into_iter().flatten() {
        let address = peer
            .address
            .as_mut()
            .and_then(|address| address.socket_address.as_mut());
        if let Some(address) = address {
            assert!(address.port_value > 0, "a port");
            address.port_value = 1;
        }
    }
    let request = attributes.request.as_mut()?;
    assert!(request.time.take().expect("a time").seconds > 1_700_000_000);
    let http = request.http.as_mut()?;
    http.id.clear();
    http.headers.remove("x-request-id");
    Some(check)
}

#[track_caller]
fn assert_alike(rig: &Rig, request: &Request, answer: &Answer) -> Seen {
    let send = |listener| rig.send(listener, request, answer);
    assert_both(send("ours"), send("native"), request, answer)
}

#[track_caller]
fn assert_both(ours: Seen, native: Seen, request: &Request, answer: &Answer) -> Seen {
    let (mut ours, mut native) = (comparable(ours), comparable(native));
    let (mine, theirs) = (check(&mut ours), check(&mut native));
    assert_eq!(mine, theirs, "the CheckRequest of {request:?}");
    assert_same(&ours, &native, request, answer);
    ours
}

fn requests() -> Vec<Request> {
    let full = |request: Request| {
        request
            .header("authorization", "Basic YTpi")
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .header("x-two", "1")
            .header("x-two", "2")
            .header("x-old", "1")
            .header("x-bytes", b"caf\xe9\xff")
            .header("x-envoy-auth-partial-body", "true")
    };
    vec![
        get("/"),
        full(get("/a%20b?c=d&e&c=f")),
        full(post("/upload", vec![b'x'; 10_000])),
        method("HEAD", "/"),
        full(call("/pkg.Service/Method", b"ping")),
        get("/").authority("other.example:8080"),
        get("/").header("x-envoy-downstream-service-cluster", "front"),
    ]
}

#[test]
fn answers() {
    let rig = Rig::start(Kind::Grpc, &json!({}));
    let denied = Denied {
        status: Some(Code { code: 401 }),
        headers: vec![
            header("set-cookie", "a", None, 0),
            header("Set-Cookie", "b", None, 0),
            header("x-append", "c", Some(true), 0),
            header("x-set", "d", Some(false), 0),
            header("content-type", "text/html", None, 0),
        ],
        body: "<b>é</b>".to_owned(),
    };
    let mut answers = vec![
        answer(0, None),
        answer(0, Some(Outcome::Denied(denied.clone()))),
        answer(7, None),
        answer(16, Some(Outcome::Denied(Denied::default()))),
        answer(7, Some(Outcome::Denied(denied.clone()))),
        Answer::grpc(b"\x0a"),
        Answer::grpc(b"\x1a\x03\x2a\x01\xff"),
        Answer::grpc_error(7, "no"),
        Answer::grpc_error(14, ""),
        Answer::status(503),
    ];
    if !lacks_in_part(Capability::AuthorizationErrors) {
        answers.push(answer(13, Some(Outcome::Error(Denied::default()))));
        let plain = Denied {
            status: None,
            ..denied.clone()
        };
        let errors = [denied, plain].map(Outcome::Error);
        answers.extend(errors.map(|error| answer(13, Some(error))));
    }
    for answer in answers {
        for request in requests() {
            assert_alike(&rig, &request, &answer);
        }
    }
}

#[test]
fn changes_to_requests_and_responses() {
    let rig = Rig::start(Kind::Grpc, &json!({}));
    for append in [None, Some(false), Some(true)] {
        for action in 0..4 {
            for name in ["x-two", "x-new", "cookie", "content-type", "X-Echo-Header"] {
                let value = if name == "X-Echo-Header" { "x=1" } else { "v" };
                let headers = vec![
                    header(name, value, append, action),
                    header(name, value, append, action),
                ];
                let response_headers_to_add = vec![
                    header("x-there", "n", append, action),
                    header("x-absent", "n", append, action),
                ];
                let ok = ok(OkResponse {
                    headers,
                    response_headers_to_add,
                    ..OkResponse::default()
                });
                for request in requests() {
                    assert_alike(&rig, &request.header("x-echo-header", "x-there=o"), &ok);
                }
            }
        }
    }
}

#[test]
fn changes_to_path_and_query() {
    let rig = Rig::start(Kind::Grpc, &json!({}));
    for (set, removed) in [
        (vec![pair("z", "1")], vec![]),
        (vec![pair("c", "1"), pair("a", "%20")], vec!["e".to_owned()]),
        (vec![pair("c", "1"), pair("c", "2")], vec![]),
        (vec![], vec!["c".to_owned()]),
        (vec![], vec!["c".to_owned(), "e".to_owned(), "b".to_owned()]),
        (vec![pair("", "")], vec![]),
        (vec![pair("k", "a&b=c")], vec![]),
    ] {
        for path in [
            "/a",
            "/a?",
            "/a?c=d&e&c=f",
            "/a?b=1&a=2",
            "/a?x=y?z#f",
            "/a?&&",
        ] {
            let ok = ok(OkResponse {
                query_parameters_to_set: set.clone(),
                query_parameters_to_remove: removed.clone(),
                ..OkResponse::default()
            });
            assert_alike(&rig, &get(path), &ok);
        }
    }
    for name in [":path", ":authority", ":method", "host", ":scheme"] {
        let value = if name == ":method" { "PUT" } else { "/b" };
        let ok = ok(OkResponse {
            headers: vec![header(name, value, None, 0)],
            ..OkResponse::default()
        });
        assert_alike(&rig, &get("/"), &ok);
    }
    let headers_to_remove =
        ["x-old", "X-Two", "cookie", "host", ":path", ":method"].map(str::to_owned);
    let ok = ok(OkResponse {
        headers_to_remove: headers_to_remove.into(),
        ..OkResponse::default()
    });
    for request in requests() {
        assert_alike(&rig, &request, &ok);
    }
}

#[test]
fn a_service_that_does_not_answer() {
    let errors_alike = !lacks_in_part(Capability::AuthorizationErrors);
    for fail_open in [false, true] {
        let fields = json!({"timeout": "0.1s", "failOpen": fail_open, "statusOnError": "503"});
        let mut slow = answer(0, None);
        slow.after = Duration::from_secs(2);
        let rig = Rig::start(Kind::Grpc, &fields);
        let nobody = integration::upstream::Upstream::start().addr();
        let refused = Rig::before(Kind::Grpc, &fields, nobody);
        for request in [get("/"), call("/pkg.Service/Method", b"ping")] {
            let error = answer(13, Some(Outcome::Error(Denied::default())));
            let unusable = [slow.clone(), Answer::grpc(b"\x0a")].into_iter();
            for unusable in unusable.chain(errors_alike.then_some(error)) {
                assert_alike(&rig, &request, &unusable);
            }
            assert_alike(&refused, &request, &answer(0, None));
        }
    }
}

/// What Envoy does not do either, or does in its own way.
#[test]
fn odd_changes() {
    let rig = Rig::start(Kind::Grpc, &json!({}));
    let raw = HeaderOption {
        header: Some(Pair {
            raw_value: b"r".to_vec(),
            ..pair("x-raw", "")
        }),
        append: None,
        append_action: 0,
    };
    let many = |count| {
        let names = (0..count).map(|number| format!("x-{number}"));
        names
            .map(|name| header(&name, "v", None, 0))
            .collect::<Vec<_>>()
    };
    let on_request = |headers| OkResponse {
        headers,
        ..OkResponse::default()
    };
    let on_response = |response_headers_to_add| OkResponse {
        response_headers_to_add,
        ..OkResponse::default()
    };
    for (changes, status) in [
        (on_request(vec![raw.clone()]), 200),
        (on_request(vec![header("x-a", "", None, 0)]), 200),
        (on_request(vec![header("x-a", "v", None, 9)]), 200),
        (on_request(many(90)), 200),
        (on_request(many(99)), 500),
        (on_request(many(101)), 500),
        (
            on_request(vec![header("x-a", &"v".repeat(70_000), None, 0)]),
            500,
        ),
        (on_response(vec![raw]), 200),
        (on_response(vec![header("x-a", "v", None, 9)]), 200),
        (on_response(many(60)), 200),
        (on_response(many(101)), 200),
    ] {
        for request in [get("/"), get("/").header("x-a", "old")] {
            let seen = assert_alike(&rig, &request, &ok(changes.clone()));
            assert_eq!(seen.got.status, status, "{changes:?}");
        }
    }
}

/// Envoy lets them through, to be refused by its codec, or to reach somebody. Ours makes none of
/// them, and refuses the request, whose headers would else be the client's word.
#[test]
fn changes_that_cannot_be_made() {
    let rig = Rig::start(Kind::Grpc, &json!({"failOpen": true}));
    let on_request = |name: &str, value: &str, append| OkResponse {
        headers: vec![header(name, value, append, 0)],
        ..OkResponse::default()
    };
    let on_response = |name: &str, value: &str| OkResponse {
        response_headers_to_add: vec![header(name, value, None, 2)],
        ..OkResponse::default()
    };
    let on_query = |key: &str, value: &str| OkResponse {
        query_parameters_to_set: vec![pair(key, value)],
        ..OkResponse::default()
    };
    for changes in [
        on_request("x-a", "a\r\nx-b: c", None),
        on_request("x a", "b", None),
        on_request("", "b", None),
        on_request(":status", "204", None),
        on_request(":path", "", None),
        on_request(":path", "/a b", None),
        on_request(":path", "/x", Some(true)),
        on_response("x-a", "a\r\nx-b: c"),
        on_response("x a", "b"),
        on_response(":status", "204"),
        on_query("a", "b c"),
        on_query("a#", "b"),
    ] {
        let seen = rig.send("ours", &get("/").header("x-a", "old"), &ok(changes.clone()));
        assert_eq!(
            (seen.got.status, seen.passed.len()),
            (500, 0),
            "{changes:?}"
        );
        assert_eq!(seen.got.body, b"", "{changes:?}");
    }
    let refused = answer(
        7,
        Some(Outcome::Denied(Denied {
            headers: vec![
                header("x-evil", "a\r\nx-b: c", None, 0),
                header("x-good", "a", None, 0),
            ],
            ..Denied::default()
        })),
    );
    let seen = rig.send("ours", &get("/"), &refused);
    assert_eq!(
        (seen.got.status, seen.got.header("x-good")),
        (403, Some("a"))
    );
    assert_eq!(
        (seen.got.header("x-evil"), seen.got.header("x-b")),
        (None, None)
    );
    assert_eq!(
        rig.send("ours", &get("/"), &answer(0, None)).got.status,
        200
    );
}

/// A client writes `x-forwarded-for`, and Envoy's attribute follows it. What `set_filter_state`
/// wrote is the connection's.
#[test]
fn whose_address_the_service_gets() {
    let rig = Rig::start(Kind::Grpc, &json!({}));
    let address = |listener: &str, request: &Request| {
        let seen = rig.send(listener, request, &answer(0, None));
        let check = CheckRequest::decode(seen.asked[0].messages()[0].as_slice()).expect("a check");
        let peer = check
            .attributes
            .and_then(|attributes| attributes.source)
            .expect("a peer");
        let socket = peer.address.and_then(|address| address.socket_address);
        socket.map(|socket| socket.address)
    };
    let local = Some("127.0.0.1".to_owned());
    let forwarded = get("/").header("x-forwarded-for", "8.8.8.8");
    assert_eq!(address("native", &forwarded), local);
    assert_eq!(address("ours", &get("/")), local);
    assert_eq!(address("ours", &forwarded), None);
    assert_eq!(address("told", &get("/")), local);
    assert_eq!(address("told", &forwarded), local);
}

/// Envoy sends them on, or breaks the connection.
#[test]
fn a_refusal_stays_one_whatever_its_status() {
    let rig = Rig::start(Kind::Grpc, &json!({"failOpen": true}));
    for code in [1, 100, 199, 600, 999, 1000] {
        let denied = Denied {
            status: Some(Code { code }),
            ..Denied::default()
        };
        let answer = answer(7, Some(Outcome::Denied(denied)));
        assert_eq!(
            rig.send("ours", &get("/"), &answer).got.status,
            403,
            "{code}"
        );
    }
}

#[test]
fn whose_certificate_the_service_is_told_of() {
    let rig = Rig::over_tls(Kind::Grpc, &json!({}));
    for (what, peer) in &WORLD.peers {
        let (request, answer) = (get("/"), answer(0, None));
        let send = |listener| rig.send_as(peer, listener, &request, &answer);
        let (ours, native) = (send("ours"), send("native"));
        let message = ours.asked[0].messages()[0].clone();
        let check = CheckRequest::decode(message.as_slice()).expect("a CheckRequest");
        let source = check.attributes.and_then(|attributes| attributes.source);
        let named = !source.expect("a source").principal.is_empty();
        let nameless = matches!(*what, "no certificate" | "no name");
        assert_eq!(named, !nameless, "{what}");
        assert_both(ours, native, &request, &answer);
    }
}
