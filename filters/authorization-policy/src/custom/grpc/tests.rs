use super::*;
use crate::custom::{Protocol, Provider};
use proptest::prelude::*;
use prost::Message as _;
use sdk_helpers::{CallResult, Headers};
use std::time::Duration;

/// The messages as `envoy.service.auth.v3` and `envoy.config.core.v3` define them.
mod proto {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct CheckResponse {
        #[prost(message, optional, tag = "1")]
        pub(super) status: Option<Code>,
        #[prost(oneof = "Outcome", tags = "2, 3, 5")]
        pub(super) outcome: Option<Outcome>,
    }

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(super) enum Outcome {
        #[prost(message, tag = "2")]
        Denied(Denied),
        #[prost(message, tag = "3")]
        Ok(Ok),
        #[prost(message, tag = "5")]
        Error(Denied),
    }

    /// `google.rpc.Status` and `envoy.type.v3.HttpStatus`.
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Code {
        #[prost(int32, tag = "1")]
        pub(super) code: i32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Denied {
        #[prost(message, optional, tag = "1")]
        pub(super) status: Option<Code>,
        #[prost(message, repeated, tag = "2")]
        pub(super) headers: Vec<Header>,
        #[prost(string, tag = "3")]
        pub(super) body: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Ok {
        #[prost(message, repeated, tag = "2")]
        pub(super) headers: Vec<Header>,
        #[prost(string, repeated, tag = "5")]
        pub(super) headers_to_remove: Vec<String>,
        #[prost(message, repeated, tag = "6")]
        pub(super) response_headers_to_add: Vec<Header>,
        #[prost(message, repeated, tag = "7")]
        pub(super) query_parameters_to_set: Vec<Pair>,
        #[prost(string, repeated, tag = "8")]
        pub(super) query_parameters_to_remove: Vec<String>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Header {
        #[prost(message, optional, tag = "1")]
        pub(super) header: Option<Pair>,
        #[prost(message, optional, tag = "2")]
        pub(super) append: Option<Flag>,
        #[prost(int32, tag = "3")]
        pub(super) append_action: i32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Pair {
        #[prost(string, tag = "1")]
        pub(super) key: String,
        #[prost(string, tag = "2")]
        pub(super) value: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Flag {
        #[prost(bool, tag = "1")]
        pub(super) value: bool,
    }
}
use proto::{CheckResponse, Code, Flag, Outcome, Pair};

fn provider(fail_open: bool) -> Provider {
    Provider {
        name: "authorizer".to_owned(),
        cluster: "authz".to_owned(),
        timeout: Duration::from_secs(1),
        fail_open,
        status_on_error: 403,
        protocol: Protocol::Grpc,
    }
}

fn request() -> Request {
    Request::new(Headers::from_pairs([
        (":path", "/a?x=1&y=2"),
        ("x-one", "1"),
        ("x-two", "1"),
        ("x-two", "2"),
        ("cookie", "a=1"),
    ]))
}

fn header(name: &str, value: &str, append: Option<bool>, append_action: i32) -> proto::Header {
    proto::Header {
        header: Some(Pair {
            key: name.to_owned(),
            value: value.to_owned(),
        }),
        append: append.map(|value| Flag { value }),
        append_action,
    }
}

fn plainly(name: &str, value: &str) -> proto::Header {
    header(name, value, None, 0)
}

fn response(code: i32, outcome: Option<Outcome>) -> Vec<u8> {
    CheckResponse {
        status: Some(Code { code }),
        outcome,
    }
    .encode_to_vec()
}

fn judged(message: Vec<u8>, fail_open: bool) -> Judgement {
    provider(fail_open).judge(&CallResult::Grpc { status: 0, message }, &request())
}

fn allowed(ok: proto::Ok) -> (Vec<HeaderEdit>, Vec<HeaderEdit>) {
    match judged(response(0, Some(Outcome::Ok(ok))), false) {
        Judgement::Allow { request, response } => (request, response),
        other => panic!("{other:?}"),
    }
}

fn set(name: &'static str, value: &str) -> HeaderEdit {
    HeaderEdit::Set(name.into(), value.into())
}

fn unusable() -> Judgement {
    Judgement::Unavailable {
        allow: false,
        refusal: Refusal::bare(500),
    }
}

#[test]
fn code_zero_allows_whatever_else_there_is() {
    let nothing = Judgement::Allow {
        request: vec![],
        response: vec![],
    };
    assert_eq!(judged(vec![], false), nothing);
    assert_eq!(judged(response(0, None), false), nothing);
    let denied = Outcome::Denied(proto::Denied::default());
    assert_eq!(judged(response(0, Some(denied)), false), nothing);
}

#[test]
fn request_headers_are_set_appended_and_removed_in_this_order() {
    let (edits, _) = allowed(proto::Ok {
        headers: vec![
            header("x-two", "3", Some(true), 0),
            header("X-New", "n", Some(false), 0),
            header("x-new", "m", Some(true), 0),
            header("x-none", "z", Some(true), 0),
            header("cookie", "b=2", Some(true), 0),
            plainly("x-one", "9"),
        ],
        headers_to_remove: ["X-One", "host", "Host", ":path", ""]
            .map(str::to_owned)
            .into(),
        ..proto::Ok::default()
    });
    assert_eq!(
        edits,
        [
            set("x-new", "n,m"),
            set("x-one", "9"),
            set("x-two", "1,3"),
            HeaderEdit::Add("x-two".into(), b"2".to_vec()),
            set("cookie", "a=1; b=2"),
            HeaderEdit::Remove("x-one".into()),
        ]
    );
}

#[test]
fn response_headers_follow_their_action() {
    let (_, edits) = allowed(proto::Ok {
        response_headers_to_add: vec![
            plainly("a", "0"),
            header("a", "1", None, 1),
            header("a", "2", None, 2),
            header("a", "3", None, 3),
            header("a", "4", Some(true), 2),
            header("a", "5", Some(false), 0),
            header("a", "6", None, 4),
        ],
        ..proto::Ok::default()
    });
    let value = |value: &str| value.as_bytes().to_vec();
    assert_eq!(
        edits,
        [
            HeaderEdit::Add("a".into(), value("0")),
            HeaderEdit::Supply("a".into(), value("1")),
            HeaderEdit::Set("a".into(), value("2")),
            HeaderEdit::Overwrite("a".into(), value("3")),
            HeaderEdit::Add("a".into(), value("4")),
            HeaderEdit::Set("a".into(), value("5")),
        ]
    );
}

#[test]
fn the_query_is_changed_behind_the_path() {
    let pair = |key: &str, value: &str| Pair {
        key: key.to_owned(),
        value: value.to_owned(),
    };
    let ok = proto::Ok {
        query_parameters_to_set: vec![pair("z", "3")],
        query_parameters_to_remove: vec!["x".to_owned()],
        ..proto::Ok::default()
    };
    assert_eq!(allowed(ok.clone()).0, [set(":path", "/a?y=2&z=3")]);
    let with_path = proto::Ok {
        headers: vec![plainly(":path", "/b?x=0")],
        ..ok
    };
    assert_eq!(
        allowed(with_path).0,
        [set(":path", "/b?x=0"), set(":path", "/b?z=3")]
    );
}

/// To go on without such a change may mean to believe the client.
#[test]
fn changes_that_cannot_be_made_refuse_the_request() {
    let pair = |key: &str, value: &str| Pair {
        key: key.to_owned(),
        value: value.to_owned(),
    };
    let with = |header: proto::Header| proto::Ok {
        headers: vec![header],
        ..proto::Ok::default()
    };
    let changes = [
        with(plainly("x-user", "a\r\nx-admin: 1")),
        with(plainly("x-user", "a\0")),
        with(plainly("x user", "a")),
        with(plainly("", "a")),
        with(plainly(":status", "200")),
        with(plainly(":path", "")),
        with(plainly(":path", "/a b")),
        with(header(":path", "/b", Some(true), 0)),
        proto::Ok {
            headers: vec![plainly("x", &"y".repeat(70_000))],
            ..proto::Ok::default()
        },
        proto::Ok {
            headers: (0..99).map(|n| plainly(&format!("x-{n}"), "")).collect(),
            ..proto::Ok::default()
        },
        proto::Ok {
            response_headers_to_add: vec![plainly("x", "a\nb")],
            ..proto::Ok::default()
        },
        proto::Ok {
            response_headers_to_add: vec![plainly(":status", "200")],
            ..proto::Ok::default()
        },
        proto::Ok {
            query_parameters_to_set: vec![pair("a", "b c")],
            ..proto::Ok::default()
        },
        proto::Ok {
            query_parameters_to_set: vec![pair("a#", "b")],
            ..proto::Ok::default()
        },
    ];
    for change in changes {
        let message = response(0, Some(Outcome::Ok(change.clone())));
        assert_eq!(judged(message, true), unusable(), "{change:?}");
    }
}

fn denied(code: i32, denied: proto::Denied) -> Judgement {
    judged(response(code, Some(Outcome::Denied(denied))), true)
}

#[test]
fn a_refusal_has_the_services_status_headers_and_body() {
    let judgement = denied(
        7,
        proto::Denied {
            status: Some(Code { code: 401 }),
            headers: vec![
                plainly("Set-Cookie", "a"),
                plainly("set-cookie", "b"),
                plainly("x-evil", "a\r\nb: c"),
                plainly(":status", "200"),
                plainly("x evil", "a"),
                header("x-appended", "a", Some(true), 0),
            ],
            body: "<é>".to_owned(),
        },
    );
    assert_eq!(
        judgement,
        Judgement::Deny(Refusal {
            status: 401,
            headers: vec![
                ("set-cookie".into(), b"a".to_vec()),
                ("set-cookie".into(), b"b".to_vec())
            ],
            body: Body::from("<é>"),
        })
    );
}

#[test]
fn a_refusal_without_status_is_forbidden() {
    let bare = Judgement::Deny(Refusal::bare(403));
    assert_eq!(judged(response(16, None), true), bare);
    assert_eq!(denied(7, proto::Denied::default()), bare);
    let ok = Outcome::Ok(proto::Ok {
        headers: vec![plainly("x", "y")],
        ..proto::Ok::default()
    });
    assert_eq!(judged(response(7, Some(ok)), true), bare);
}

#[test]
fn a_refusal_stays_one_whatever_its_status() {
    for code in [1, 100, 199, 600, 70_000, -1] {
        let status = Some(Code { code });
        let judgement = denied(
            7,
            proto::Denied {
                status,
                ..proto::Denied::default()
            },
        );
        assert_eq!(judgement, Judgement::Deny(Refusal::bare(403)), "{code}");
    }
}

#[test]
fn a_service_can_say_that_it_cannot_tell() {
    let error = |code| {
        let status = Some(Code { code });
        let error = proto::Denied {
            status,
            body: "later".to_owned(),
            ..proto::Denied::default()
        };
        judged(response(13, Some(Outcome::Error(error))), false)
    };
    let refusal = Refusal {
        status: 503,
        headers: vec![],
        body: Body::from("later"),
    };
    assert_eq!(
        error(503),
        Judgement::Unavailable {
            allow: false,
            refusal
        }
    );
    let refusal = Refusal {
        status: 403,
        headers: vec![],
        body: Body::from("later"),
    };
    assert_eq!(
        error(0),
        Judgement::Unavailable {
            allow: false,
            refusal
        }
    );
}

#[test]
fn what_is_no_response_is_no_answer() {
    let broken: [&[u8]; 6] = [
        b"\x0a",
        b"\x1a\x05abc",
        // Text that is not UTF-8: in a header, a body, a name to remove.
        b"\x1a\x09\x12\x07\x0a\x05\x0a\x01x\x12\xff",
        b"\x0a\x02\x08\x07\x12\x03\x1a\x01\xff",
        b"\x1a\x03\x2a\x01\xff",
        b"\xff\xff\xff\xff",
    ];
    for fail_open in [false, true] {
        let refusal = Refusal::bare(403);
        let unavailable = Judgement::Unavailable {
            allow: fail_open,
            refusal,
        };
        for message in broken {
            assert_eq!(
                judged(message.to_vec(), fail_open),
                unavailable,
                "{message:?}"
            );
        }
        let failed = CallResult::Grpc {
            status: 14,
            message: vec![],
        };
        assert_eq!(provider(fail_open).judge(&failed, &request()), unavailable);
    }
}

#[test]
fn of_two_outcomes_the_last_counts_and_of_two_alike_the_sum() {
    let ok = |name: &str| {
        Outcome::Ok(proto::Ok {
            headers: vec![plainly(name, "1")],
            ..proto::Ok::default()
        })
    };
    let deny = Outcome::Denied(proto::Denied::default());
    let mut both = response(0, Some(deny.clone()));
    both.extend(response(0, Some(ok("a"))));
    both.extend(response(0, Some(ok("b"))));
    let sum = vec![set("a", "1"), set("b", "1")];
    assert_eq!(
        judged(both, false),
        Judgement::Allow {
            request: sum,
            response: vec![]
        }
    );
    let mut both = response(0, Some(ok("a")));
    both.extend(response(0, Some(deny)));
    assert_eq!(
        judged(both, false),
        Judgement::Allow {
            request: vec![],
            response: vec![]
        }
    );
}

fn any_header() -> impl Strategy<Value = proto::Header> {
    let name = prop_oneof!["[a-z-]{0,8}", Just(":path".to_owned()), ".{0,4}"];
    (name, ".{0,8}", any::<Option<bool>>(), -1i32..5)
        .prop_map(|(name, value, append, action)| header(&name, &value, append, action))
}

proptest! {
    #[test]
    fn any_bytes_are_judged(message in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = judged(message, true);
    }

    /// What a service wrote and something on the way broke.
    #[test]
    fn broken_messages_are_judged(headers in prop::collection::vec(any_header(), 1..4), at: prop::sample::Index, byte: u8, cut: bool) {
        let ok = proto::Ok { headers, ..proto::Ok::default() };
        let mut message = response(0, Some(Outcome::Ok(ok)));
        let at = at.index(message.len());
        message[at] = byte;
        if cut {
            message.truncate(at);
        }
        if let Judgement::Allow { request, .. } = judged(message, true) {
            prop_assert!(request.iter().all(HeaderEdit::is_safe));
        }
    }

    #[test]
    fn no_edit_would_end_its_line(
        headers in prop::collection::vec(any_header(), 0..6),
        response_headers_to_add in prop::collection::vec(any_header(), 0..6),
        headers_to_remove in prop::collection::vec(".{0,6}", 0..4),
    ) {
        let ok = proto::Ok { headers, headers_to_remove, response_headers_to_add, ..proto::Ok::default() };
        if let Judgement::Allow { request, response } = judged(response(0, Some(Outcome::Ok(ok))), true) {
            prop_assert!(request.iter().chain(&response).all(HeaderEdit::is_safe));
        }
    }

    #[test]
    fn no_refusal_would_end_its_line(headers in prop::collection::vec(any_header(), 0..6), body in ".{0,9}") {
        let denied = proto::Denied { status: None, headers, body: body.clone() };
        let Judgement::Deny(refusal) = judged(response(7, Some(Outcome::Denied(denied))), true) else {
            panic!("a refusal");
        };
        prop_assert!(refusal.headers.iter().all(|(name, value)| is_token(name) && is_safe_value(value)));
        prop_assert_eq!(refusal.body.as_bytes(), body.as_bytes());
    }
}
