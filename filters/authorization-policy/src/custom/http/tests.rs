use super::*;
use crate::custom::{Protocol, Provider};
use sdk_helpers::{Call, CallResult};
use std::time::Duration;

fn names(texts: &[&str]) -> HeaderNames {
    let mut names = HeaderNames::default();
    for text in texts {
        names.add(text).expect("a name");
    }
    names
}

fn provider(http: Http, fail_open: bool) -> Provider {
    Provider {
        name: "authorizer".to_owned(),
        cluster: "outbound|80||authz.example".to_owned(),
        timeout: Duration::from_secs(1),
        fail_open,
        status_on_error: 503,
        protocol: Protocol::Http(http),
    }
}

fn request(more: &[(&str, &[u8])]) -> Request {
    let always: [(&str, &[u8]); 4] = [
        (":method", b"POST"),
        (":path", b"/a?b=c"),
        (":scheme", b"https"),
        (":authority", b"app.example"),
    ];
    Request::new(Headers::from_pairs(always.iter().chain(more).copied()))
}

fn checked(http: Http, more: &[(&str, &[u8])]) -> Vec<(String, String)> {
    let sent = http.check(&request(more)).into_iter();
    sent.map(|(name, value)| (name, String::from_utf8(value).expect("text")))
        .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

#[test]
fn the_request_goes_out_without_body_and_with_few_headers() {
    let sent = checked(
        Http::default(),
        &[
            ("x-user", b"eve"),
            ("content-length", b"7"),
            ("authorization", b"Basic x"),
        ],
    );
    assert_eq!(
        sent,
        pairs(&[
            (":method", "POST"),
            (":path", "/a?b=c"),
            (":authority", "app.example"),
            ("authorization", "Basic x"),
            ("content-length", "0"),
            ("user-agent", USER_AGENT),
        ])
    );
}

#[test]
fn headers_are_included_joined_and_made_text() {
    let http = Http {
        path_prefix: "/check".to_owned(),
        include: names(&["X-*", "cookie"]),
        ..Http::default()
    };
    let sent = checked(
        http,
        &[
            ("cookie", b"a=1"),
            ("x-b", b"caf\xe9\xe2\x82"),
            ("x-envoy-auth-partial-body", b"false"),
            ("cookie", b"b=2"),
            ("accept", b"*/*"),
        ],
    );
    assert_eq!(
        sent,
        pairs(&[
            (":method", "POST"),
            (":path", "/check/a?b=c"),
            (":authority", "app.example"),
            ("cookie", "a=1,b=2"),
            ("x-b", "caf!!!"),
            ("content-length", "0"),
            ("user-agent", USER_AGENT),
        ])
    );
}

#[test]
fn additional_headers_replace_those_of_the_request() {
    let template = |text| Template::parse(text).expect("a template");
    let http = Http {
        path_prefix: "/check".to_owned(),
        include: names(&["x-*"]),
        additional: vec![
            ("x-absent".to_owned(), template("%REQ(x-none)%")),
            ("x-path".to_owned(), template("at %REQ(:PATH)%")),
            ("x-user".to_owned(), template("fixed")),
        ],
        ..Http::default()
    };
    let sent = checked(http, &[("x-user", b"eve"), ("x-user", b"mallory")]);
    assert_eq!(
        sent[3..],
        pairs(&[
            ("x-user", "fixed"),
            ("content-length", "0"),
            ("x-path", "at /a?b=c"),
            ("user-agent", USER_AGENT),
        ])
    );
}

/// The client's own stays where it is passed on, as does one that the configuration sets.
#[test]
fn who_asks_is_said_where_nobody_else_says_it() {
    let agents = |http: Http| -> Vec<String> {
        let sent = checked(http, &[("user-agent", b"curl/8")]);
        let named = sent.into_iter().filter(|(name, _)| name == "user-agent");
        named.map(|(_, value)| value).collect()
    };
    assert_eq!(agents(Http::default()), [USER_AGENT]);
    let include = Http {
        include: names(&["User-*"]),
        ..Http::default()
    };
    assert_eq!(agents(include), ["curl/8"]);
    let set = Http {
        additional: vec![(
            "user-agent".to_owned(),
            Template::parse("mine").expect("a template"),
        )],
        ..Http::default()
    };
    assert_eq!(agents(set), ["mine"]);
}

#[test]
fn the_call_names_cluster_and_timeout() {
    let call = provider(Http::default(), false)
        .call(&request(&[]), &sdk_helpers::world::fake::FakeWorld::new());
    let Call::Http {
        cluster,
        body,
        timeout,
        ..
    } = call
    else {
        panic!("{call:?}");
    };
    assert_eq!(cluster, "outbound|80||authz.example");
    assert_eq!((body.len(), timeout), (0, Duration::from_secs(1)));
}

fn answer(status: &str, more: &[(&str, &[u8])], body: &[u8]) -> CallResult {
    let always = [(":status", status.as_bytes())];
    CallResult::Http {
        headers: Headers::from_pairs(always.iter().chain(more).copied()),
        body: body.to_vec(),
    }
}

const ANSWER: &[(&str, &[u8])] = &[
    ("x-user", b"a"),
    ("x-role", b"r"),
    ("x-user", b"b"),
    ("location", b"/login"),
    ("content-type", b"text/html"),
    ("content-length", b"2"),
    (
        "x-envoy-auth-headers-to-remove",
        b"cookie, Host,:path,,X-Old",
    ),
];

fn full() -> Http {
    Http {
        to_upstream_on_allow: names(&["x-user"]),
        to_downstream_on_allow: names(&["*-role"]),
        to_downstream_on_deny: names(&["x-role", "content-type"]),
        ..Http::default()
    }
}

#[test]
fn two_hundred_allows_and_carries_headers() {
    let judged = provider(full(), false).judge(&answer("200", ANSWER, b"hi"), &request(&[]));
    assert_eq!(
        judged,
        Judgement::Allow {
            request: vec![
                HeaderEdit::Set("x-user".into(), b"a".to_vec()),
                HeaderEdit::Set("x-user".into(), b"b".to_vec()),
                HeaderEdit::Remove("cookie".into()),
                HeaderEdit::Remove("x-old".into()),
            ],
            response: vec![HeaderEdit::Add("x-role".into(), b"r".to_vec())],
        }
    );
}

fn denied(http: Http, status: &str) -> (u16, Vec<String>) {
    match provider(http, true).judge(&answer(status, ANSWER, b"hi"), &request(&[])) {
        Judgement::Deny(refusal) => {
            assert_eq!(refusal.body.as_bytes(), b"hi");
            let names = refusal.headers.iter().map(|(name, _)| name.to_string());
            (refusal.status, names.collect())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn any_other_final_status_denies_with_it() {
    for status in ["201", "204", "302", "401", "403", "499"] {
        let (seen, _) = denied(Http::default(), status);
        assert_eq!(seen.to_string(), status);
    }
}

#[test]
fn a_refusal_stays_one_whatever_its_status() {
    for status in ["100", "199", "600", "999"] {
        assert_eq!(denied(Http::default(), status).0, 403, "{status}");
    }
}

#[test]
fn a_refusal_carries_all_headers_or_those_named() {
    let (_, all) = denied(Http::default(), "401");
    assert_eq!(
        all,
        ["x-user", "x-role", "x-user", "location", "content-type"]
    );
    let (_, named) = denied(full(), "401");
    assert_eq!(named, ["x-role", "location", "content-type"]);
}

#[test]
fn no_answer_is_an_error_that_the_provider_may_allow() {
    let answers = [
        answer("500", ANSWER, b"secret"),
        answer("503", &[], b""),
        answer("599", &[], b""),
        answer("2oo", &[], b""),
        CallResult::Http {
            headers: Headers::default(),
            body: vec![],
        },
        CallResult::Grpc {
            status: 0,
            message: vec![],
        },
        CallResult::Failed,
    ];
    for fail_open in [false, true] {
        for answer in &answers {
            let judged = provider(full(), fail_open).judge(answer, &request(&[]));
            let refusal = Refusal {
                status: 503,
                headers: vec![],
                body: Body::default(),
            };
            assert_eq!(
                judged,
                Judgement::Unavailable {
                    allow: fail_open,
                    refusal
                },
                "{answer:?}"
            );
        }
    }
}
