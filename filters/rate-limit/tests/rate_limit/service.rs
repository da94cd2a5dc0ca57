//! Limits that Envoy's rate limit service counts: what it is asked, what becomes of its answers,
//! and what is given back here when it refuses.

use std::time::Duration;

use rate_limit::RateLimit;
use sdk_helpers::protobuf::{Fields, Message};
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::world::{Attributes, Contended, Roll, Step, Timestamp, World};
use sdk_helpers::{
    Call, CallResult, Decision, Edits, Filter, HeaderEdit, Headers, LocalReply, Record, Request,
    Resume, load,
};
use serde_json::{Value, json};

const OK: u64 = 1;
const OVER: u64 = 2;

struct Rig {
    filter: RateLimit,
    world: FakeWorld,
}

impl Rig {
    fn new(limits: Value, failure_mode: &str) -> Self {
        let config = json!({"limits": limits, "global": {
            "domain": "fleet", "cluster": "rls", "timeout": "50ms", "failureMode": failure_mode,
        }});
        let loaded = load::<RateLimit>(config.to_string().as_bytes(), &FakeWorld::new())
            .expect("a configuration");
        Rig {
            filter: loaded.filter,
            world: FakeWorld::new(),
        }
    }

    /// Sends a request; the service answers with this.
    fn send(&self, headers: &[(&str, &str)], answer: CallResult) -> (Vec<u8>, Decision) {
        let request = Request::new(Headers::from_pairs(headers.iter().copied()));
        let mut memory = None;
        let Decision::Ask { call, .. } = self.filter.on_request(&request, &self.world, &mut memory)
        else {
            panic!("the service was not asked");
        };
        let Call::Grpc {
            cluster,
            service,
            method,
            message,
            timeout,
            ..
        } = call
        else {
            panic!("not by gRPC");
        };
        assert_eq!(
            (cluster.as_str(), method.as_str()),
            ("rls", "ShouldRateLimit")
        );
        assert_eq!(service, "envoy.service.ratelimit.v3.RateLimitService");
        assert_eq!(timeout, Duration::from_millis(50));
        self.world.advance(Duration::from_millis(2));
        let resume = Resume::Answered(answer);
        let decision = self
            .filter
            .on_resume(resume, &request, &self.world, &mut memory);
        assert!(memory.is_none());
        (message, decision)
    }

    fn refused(&self, headers: &[(&str, &str)], answer: Message) -> (LocalReply, Vec<String>) {
        match self.send(headers, grpc(answer)).1 {
            Decision::Reply(reply) => {
                let reasons = self.reasons(&reply.record);
                (reply, reasons)
            }
            other => panic!("{other:?}"),
        }
    }

    fn passed(&self, headers: &[(&str, &str)], answer: Message) -> (Edits, Vec<String>) {
        match self.send(headers, grpc(answer)).1 {
            Decision::Continue(edits) => {
                let reasons = self.reasons(&edits.record);
                (edits, reasons)
            }
            other => panic!("{other:?}"),
        }
    }

    fn reasons(&self, record: &Record) -> Vec<String> {
        let find = |outcome| self.filter.outcomes().find(outcome).unwrap().to_string();
        record.outcomes().map(find).collect()
    }
}

fn grpc(answer: Message) -> CallResult {
    CallResult::Grpc {
        status: 0,
        message: answer.into_bytes(),
    }
}

fn status(code: u64, remaining: u64) -> Message {
    let limit = Message::new().number(1, 10).number(2, 2);
    Message::new()
        .number(1, code)
        .message(2, &limit)
        .number(3, remaining)
        .message(4, &Message::new().number(1, 42))
}

fn answer(code: u64, statuses: &[Message]) -> Message {
    let message = Message::new().number(1, code);
    statuses
        .iter()
        .fold(message, |message, one| message.message(2, one))
}

fn header(name: &str, value: &str) -> Message {
    Message::new().bytes(1, name).bytes(2, value)
}

/// The value of a header that was added.
fn value(headers: &[(std::borrow::Cow<'static, str>, Vec<u8>)], name: &str) -> Option<String> {
    let (_, value) = headers.iter().find(|(found, _)| found == name)?;
    Some(String::from_utf8(value.clone()).unwrap())
}

fn added(edits: &[HeaderEdit]) -> Vec<(std::borrow::Cow<'static, str>, Vec<u8>)> {
    let pair = |edit: &HeaderEdit| match edit {
        HeaderEdit::Add(name, value) => (name.clone(), value.clone()),
        HeaderEdit::AddPart(name, value) => ((*name).into(), value.to_vec()),
        other => panic!("{other:?}"),
    };
    edits.iter().map(pair).collect()
}

/// Domain, descriptors as lists of entries, and hits.
fn read(message: &[u8]) -> (String, Vec<Vec<(String, String)>>, u64) {
    let (mut domain, mut descriptors, mut hits) = (String::new(), vec![], 0);
    for field in Fields::of(message) {
        match field.unwrap() {
            (1, text) => domain = text.text().unwrap().to_owned(),
            (2, bytes) => {
                let mut entries = vec![];
                for field in Fields::of(bytes.bytes().unwrap()) {
                    let (1, entry) = field.unwrap() else { continue };
                    let mut pair = (String::new(), String::new());
                    for field in Fields::of(entry.bytes().unwrap()) {
                        match field.unwrap() {
                            (1, key) => pair.0 = key.text().unwrap().to_owned(),
                            (2, value) => pair.1 = value.text().unwrap().to_owned(),
                            _ => {}
                        }
                    }
                    entries.push(pair);
                }
                descriptors.push(entries);
            }
            (3, number) => hits = number.number().unwrap(),
            _ => {}
        }
    }
    (domain, descriptors, hits)
}

#[test]
fn descriptors_are_the_keys() {
    let rig = Rig::new(
        json!([
            {"name": "all", "global": true},
            {"name": "user", "key": [{"header": "x-user"}, {"path": {}, "descriptorKey": "PATH"}],
             "cost": {"fixed": 3}, "global": true},
            {"name": "plan", "key": [{"constant": "v1"}, {"claim": "plan"}], "global": true},
            {"name": "device", "key": [{"header": "x-device"}], "fallbackKey": [{"method": {}}], "global": true},
            {"name": "skipped", "key": [{"header": "x-device"}], "onMissingKey": "skip", "global": true},
        ]),
        "allow",
    );
    let headers = [(":path", "/a?b"), (":method", "GET"), ("x-user", "u")];
    let (message, _) = rig.send(&headers, grpc(answer(OK, &[])));
    let (domain, descriptors, hits) = read(&message);
    assert_eq!((domain.as_str(), hits), ("fleet", 3));
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(
        descriptors,
        [
            vec![pair("generic_key", "all")],
            vec![pair("x-user", "u"), pair("PATH", "/a")],
            // Nobody without the claim can escape into a descriptor of his own.
            vec![pair("generic_key", "v1"), pair("plan", "-")],
            vec![pair("method", "GET")],
        ]
    );
}

#[test]
fn a_value_that_is_no_text_is_still_one_the_service_can_read() {
    let rig = Rig::new(
        json!([{"name": "user", "key": [{"header": "x-user"}], "global": true}]),
        "allow",
    );
    let told = |value: &[u8]| {
        let request = Request::new(Headers::from_pairs([("x-user", value)]));
        match rig.filter.on_request(&request, &rig.world, &mut None) {
            Decision::Ask {
                call: Call::Grpc { message, .. },
                ..
            } => read(&message).1[0][0].1.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(told(b"a\xff\xfe"), "a\u{fffd}ff\u{fffd}fe");
    // None of these is another's.
    let values: [&[u8]; 8] = [
        b"a\xff",
        b"a\xfe",
        b"a",
        b"",
        b"-",
        b"a\xef\xbf\xbd",
        b"a\xef\xbf\xbdff",
        b"aff",
    ];
    let all: std::collections::BTreeSet<String> = values.map(told).into();
    assert_eq!(all.len(), values.len(), "{all:?}");
}

#[test]
fn yes_lets_it_pass_with_the_services_headers() {
    let rig = Rig::new(json!([{"name": "all", "global": true}]), "deny");
    let yes = answer(OK, &[status(OK, 7)])
        .message(3, &header("x-from-service", "1"))
        .message(4, &header("x-to-upstream", "2"));
    let (edits, reasons) = rig.passed(&[], yes);
    assert!(reasons.is_empty());
    let response = added(&edits.response);
    assert_eq!(value(&response, "x-from-service").as_deref(), Some("1"));
    assert_eq!(value(&response, "x-ratelimit-limit").as_deref(), Some("10"));
    assert_eq!(
        value(&response, "x-ratelimit-remaining").as_deref(),
        Some("7")
    );
    assert_eq!(value(&response, "x-ratelimit-reset").as_deref(), Some("42"));
    assert_eq!(
        value(&response, "ratelimit-policy").as_deref(),
        Some("\"all\";q=10;w=60")
    );
    assert_eq!(
        value(&added(&edits.request), "x-to-upstream").as_deref(),
        Some("2")
    );
}

#[test]
fn no_refuses_it_and_gives_back_what_was_counted_here() {
    let rig = Rig::new(
        json!([
            {"name": "here", "requests": 10, "per": "1h"},
            {"name": "first", "global": true},
            {"name": "second", "global": true, "status": 420, "headers": {"x-limit": "second"}},
        ]),
        "allow",
    );
    let no = || {
        answer(OVER, &[status(OK, 3), status(OVER, 0)])
            .message(3, &header("x-from-service", "1"))
            .bytes(5, "slow down")
    };
    for _ in 0..20 {
        let (reply, reasons) = rig.refused(&[], no());
        assert_eq!(reasons, ["limited:second"]);
        assert_eq!((reply.status, reply.grpc_status), (420, Some(8)));
        assert_eq!(reply.body, "slow down".into());
        for (name, expected) in [
            ("retry-after", "42"),
            ("x-ratelimit-remaining", "0"),
            ("x-envoy-ratelimited", "true"),
            ("x-from-service", "1"),
            ("x-limit", "second"),
        ] {
            assert_eq!(
                value(&reply.headers, name).as_deref(),
                Some(expected),
                "{name}"
            );
        }
    }
    // Had they been counted here, this would be refused here and the service not be asked.
    let (edits, _) = rig.passed(&[], answer(OK, &[]));
    let left = value(&added(&edits.response), "x-ratelimit-remaining");
    assert_eq!(left.as_deref(), Some("9"));
}

/// What was counted here is given back when the service refuses, and is told of as given back.
#[test]
fn what_is_given_back_is_told_as_there() {
    let rig = Rig::new(
        json!([
            {"name": "here", "requests": 2, "per": "1h"},
            {"name": "there", "global": true},
        ]),
        "allow",
    );
    for _ in 0..3 {
        let (reply, _) = rig.refused(&[], answer(OVER, &[status(OVER, 0)]));
        assert_eq!(
            value(&reply.headers, "ratelimit").as_deref(),
            Some("\"here\";r=2;t=0, \"there\";r=0;t=42")
        );
        assert_eq!(
            value(&reply.headers, "x-ratelimit-limit").as_deref(),
            Some("10")
        );
    }
    let (edits, _) = rig.passed(&[], answer(OK, &[status(OK, 5)]));
    assert_eq!(
        value(&added(&edits.response), "ratelimit").as_deref(),
        Some("\"here\";r=1;t=1800, \"there\";r=5;t=42")
    );
}

/// Before the service has answered nobody knows whether a limit that was counted here is to be told of.
#[test]
fn a_refusal_alone_tells_of_what_only_refusals_tell_of() {
    let told = |here: &str, there: &str| {
        Rig::new(
            json!([
                {"name": "here", "requests": 2, "per": "1h", "rateLimitHeaders": here},
                {"name": "there", "global": true, "rateLimitHeaders": there},
            ]),
            "allow",
        )
    };
    for (here, there, passes, refusal, marked) in [
        (
            "refusals",
            "refusals",
            None,
            Some("\"here\";r=2;t=0, \"there\";r=0;t=42"),
            true,
        ),
        ("refusals", "none", None, Some("\"here\";r=2;t=0"), false),
        (
            "all",
            "refusals",
            Some("\"here\";r=1;t=1800"),
            Some("\"here\";r=2;t=0, \"there\";r=0;t=42"),
            true,
        ),
        ("none", "none", None, None, false),
    ] {
        let rig = told(here, there);
        let (reply, _) = rig.refused(&[], answer(OVER, &[status(OVER, 0)]));
        assert_eq!(value(&reply.headers, "ratelimit").as_deref(), refusal);
        assert_eq!(value(&reply.headers, "retry-after").as_deref(), Some("42"));
        assert_eq!(
            value(&reply.headers, "x-envoy-ratelimited").is_some(),
            marked
        );
        let (edits, _) = rig.passed(&[], answer(OK, &[status(OK, 5)]));
        let headers = added(&edits.response);
        assert_eq!(value(&headers, "ratelimit").as_deref(), passes);
        assert_eq!(
            value(&headers, "x-ratelimit-limit").is_some(),
            passes.is_some()
        );
    }
}

#[test]
fn there_is_one_time_to_come_back() {
    let limits = |headers: Value| {
        json!([
            {"name": "here", "requests": 9, "per": "1h"},
            {"name": "there", "global": true, "headers": headers},
        ])
    };
    let over = || answer(OVER, &[status(OVER, 0)]);
    let twice = || {
        over()
            .message(3, &header("Retry-After", "7"))
            .message(3, &header("retry-after", "8"))
    };
    let broken = || over().message(3, &header("retry-after", "7\r\nx-evil: 1"));
    for (headers, message, expected) in [
        (json!({}), over(), "42"),
        (json!({}), twice(), "7"),
        (json!({}), broken(), "42"),
        (json!({"retry-after": "5"}), over(), "5"),
        (json!({"Retry-After": "5"}), twice(), "5"),
    ] {
        let (reply, _) = Rig::new(limits(headers), "allow").refused(&[], message);
        let found = reply
            .headers
            .iter()
            .filter(|(name, _)| name == "retry-after");
        let found: Vec<_> = found.map(|(_, value)| value.as_slice()).collect();
        assert_eq!(found, [expected.as_bytes()]);
    }
}

/// Limitador, for one, tells what is left in the same headers.
#[test]
fn what_the_service_tells_is_not_told_twice() {
    let rig = Rig::new(json!([{"name": "all", "global": true}]), "allow");
    for (code, name) in [(OK, "x-ratelimit-remaining"), (OVER, "x-envoy-ratelimited")] {
        let message = answer(code, &[status(code, 3)]).message(3, &header(name, "theirs"));
        let headers = match rig.send(&[], grpc(message)).1 {
            Decision::Continue(edits) => added(&edits.response),
            Decision::Reply(reply) => reply.headers,
            other => panic!("{other:?}"),
        };
        let found = headers.iter().filter(|(found, _)| found == name);
        assert_eq!(
            found.map(|(_, value)| value.as_slice()).collect::<Vec<_>>(),
            [b"theirs"]
        );
        assert_eq!(value(&headers, "x-ratelimit-limit").as_deref(), Some("10"));
    }
}

/// It is what its sender wrote, text or not.
#[test]
fn the_services_body_is_sent_as_it_is() {
    let rig = Rig::new(json!([{"name": "all", "global": true}]), "allow");
    let over = answer(OVER, &[status(OVER, 0)]).bytes(5, b"caf\xe9");
    assert_eq!(rig.refused(&[], over).0.body.as_bytes(), b"caf\xe9");
}

#[test]
fn a_shadow_is_asked_about_and_not_enforced() {
    let rig = Rig::new(
        json!([{"name": "dark", "global": true, "shadow": true}, {"name": "live", "global": true}]),
        "allow",
    );
    let (_, reasons) = rig.passed(&[], answer(OVER, &[status(OVER, 0), status(OK, 5)]));
    assert_eq!(reasons, ["shadow_limited:dark"]);
    let (_, reasons) = rig.refused(&[], answer(OVER, &[status(OVER, 0), status(OVER, 0)]));
    assert_eq!(reasons, ["shadow_limited:dark", "limited:live"]);
    // A service that does not say which means those that are enforced.
    let (reply, reasons) = rig.refused(&[], answer(OVER, &[]));
    assert_eq!(reasons, ["limited"]);
    assert_eq!(value(&reply.headers, "retry-after"), None);
    // Its own shadow mode: over, and yes all the same.
    let (_, reasons) = rig.passed(&[], answer(OK, &[status(OK, 0), status(OVER, 0)]));
    assert!(reasons.is_empty());
}

#[test]
fn without_an_answer_the_failure_mode_decides() {
    let failures = || {
        [
            CallResult::Failed,
            CallResult::Grpc {
                status: 14,
                message: vec![],
            },
            grpc(Message::new().number(1, 0)),
            CallResult::Grpc {
                status: 0,
                message: b"\xff\xff".to_vec(),
            },
        ]
    };
    let limits =
        json!([{"name": "here", "requests": 1, "per": "1h"}, {"name": "all", "global": true}]);
    let rig = Rig::new(limits.clone(), "deny");
    for failure in failures() {
        let (_, decision) = rig.send(&[], failure);
        let Decision::Reply(reply) = decision else {
            panic!("{decision:?}");
        };
        assert_eq!((reply.status, reply.body), (500, "".into()));
        assert_eq!(rig.reasons(&reply.record), ["service_error_denied"]);
        // Two milliseconds of an hour's token are gone.
        rig.world.advance(Duration::from_millis(2));
    }
    for failure in failures() {
        let rig = Rig::new(limits.clone(), "allow");
        let (_, decision) = rig.send(&[], failure);
        let Decision::Continue(edits) = decision else {
            panic!("{decision:?}");
        };
        assert_eq!(rig.reasons(&edits.record), ["service_error_allowed"]);
    }
}

/// A world in which others are always faster.
struct Contention;

impl Attributes for Contention {
    fn property(&self, _: &[&str]) -> Option<Vec<u8>> {
        None
    }
}

impl World for Contention {
    fn now(&self) -> Timestamp {
        Timestamp::default()
    }

    fn monotonic(&self) -> u64 {
        0
    }

    fn roll(&self) -> Roll {
        Roll::new(0)
    }

    fn active(&self) -> u64 {
        0
    }

    fn update(&self, cell: &str, step: &mut Step<'_>) -> Result<(), Contended> {
        let seed = cell.ends_with(".seed");
        step(seed.then_some(&[7; 16]));
        if seed { Ok(()) } else { Err(Contended) }
    }

    fn host_function(&self, _: &str, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

#[test]
fn a_count_that_cannot_be_kept_follows_the_failure_mode() {
    let request = Request::new(Headers::default());
    for (mode, refuses) in [(None, true), (Some("deny"), true), (Some("allow"), false)] {
        for limits in [1, 3] {
            let limits: Vec<Value> = (0..limits)
                .map(|index| json!({"name": format!("l{index}"), "requests": 5, "per": "1s"}))
                .collect();
            let mut config = json!({"limits": limits});
            if let Some(mode) = mode {
                config["failureMode"] = json!(mode);
            }
            let filter = load::<RateLimit>(config.to_string().as_bytes(), &FakeWorld::new())
                .unwrap()
                .filter;
            let decision = filter.on_request(&request, &Contention, &mut None);
            let record = match &decision {
                Decision::Reply(reply) if refuses => &reply.record,
                Decision::Continue(edits) if !refuses => &edits.record,
                other => panic!("{other:?}"),
            };
            let last = record.outcomes().last().expect("a reason");
            assert_eq!(filter.outcomes().find(last).unwrap().reason, "contended");
        }
    }
}
