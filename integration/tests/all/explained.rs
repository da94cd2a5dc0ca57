//! What `explain` says of tokens, limits and faults, and what becomes of the same requests in our module and in
//! Envoy's own filters: the same, one after another. (Authorization: `authorization_policy::explained`.)

use std::time::{SystemTime, UNIX_EPOCH};

use explain::{Chain, HeaderList, Line, Options, Outcome, Session, Values};
use fastrand::Rng;
use integration::client::{Client, Request, Response};
use integration::jwt_authn;
use integration::listener::Listener;
use integration::shared::Shared;
use sdk_helpers::Timestamp;
use serde_json::{Value, json};

use crate::rate_limit::native::filter as native_limit;
use crate::request_authentication::generated::Generator;
use crate::request_authentication::rules::{Setup, setups};

const SEED: u64 = 20_261_201;

/// A policy, the same for Envoy's own filter where that can say it, and requests to both.
struct Subject {
    name: String,
    ours: Value,
    native: Option<Listener>,
    requests: Vec<Request>,
    /// Envoy strips a good token while it still looks at others, and then judges what is left anew: where a
    /// policy has several rules its own filter may say otherwise.
    is_strict: bool,
}

fn tokens() -> Vec<Subject> {
    let all = setups().into_iter().enumerate();
    let subject = |(index, setup): (usize, Setup)| {
        let name = format!("tokens {}", setup.name);
        let mut generator = Generator::new(SEED + index as u64, &setup);
        Subject {
            ours: json!({"requestAuthentication": {"jwtRules": setup.rules}}),
            native: Some(jwt_authn::filter(
                Listener::new(&format!("native {name}")),
                &setup.rules,
            )),
            requests: (0..60).map(|_| generator.request()).collect(),
            is_strict: setup.rules.as_array().is_some_and(|rules| rules.len() == 1),
            name,
        }
    };
    all.map(subject).collect()
}

/// Requests that differ in what limits and faults look at.
fn request(dice: &mut Rng) -> Request {
    let path = ["/", "/a", "/a/b?c=d", "/pkg.Service/Method"][dice.usize(..4)];
    let request = match dice.u8(..4) {
        0 => Request::post(path, "body"),
        1 => Request::grpc(path, b"ping"),
        _ => Request::get(path),
    };
    request.header("x-user", ["alice", "bob", "carol"][dice.usize(..3)])
}

/// Buckets that get nothing back while the test runs.
fn limits(dice: &mut Rng) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for index in 0..4 {
        let burst = dice.u32(1..20);
        let status = [429, 503, 403][dice.usize(..3)];
        let name = format!("limit {index}");
        let native = json!({
            "token_bucket": {"max_tokens": burst, "tokens_per_fill": 1, "fill_interval": "36000s"},
            "status": {"code": status}, "rate_limited_as_resource_exhausted": true,
        });
        subjects.push(Subject {
            ours: json!({"rateLimit": {"limits": [
                {"name": format!("all-{index}"), "requests": 1, "per": "10h", "burst": burst, "status": status},
            ]}}),
            native: Some(native_limit(
                Listener::new(&format!("native {name}")),
                native,
            )),
            requests: (0..30).map(|_| request(dice)).collect(),
            is_strict: true,
            name,
        });
    }
    // Several at once, by key: Envoy's own filter takes of each what it has, ours of all or of none.
    for index in 0..4 {
        let mut limit = |name: &str, fields: Value| {
            let mut limit = fields;
            // The workers of an Envoy share what is left of a limit by its name, whatever the listener.
            limit["name"] = format!("{name}-{index}").into();
            limit["requests"] = 1.into();
            limit["per"] = "10h".into();
            limit["burst"] = dice.u32(1..12).into();
            limit
        };
        let limits = [
            limit("user", json!({"key": [{"header": "x-user"}]})),
            limit(
                "posts",
                json!({"match": [{"method": {"exact": "POST"}}], "status": 503}),
            ),
            limit(
                "below",
                json!({"match": [{"uri": {"prefix": "/a"}}], "key": [{"path": {}}]}),
            ),
        ];
        subjects.push(Subject {
            name: format!("limits {index}"),
            ours: json!({"rateLimit": {"limits": limits}}),
            native: None,
            requests: (0..40).map(|_| request(dice)).collect(),
            is_strict: true,
        });
    }
    subjects
}

/// Faults that always fire or never, and those that a header asks for.
fn faults(dice: &mut Rng) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for index in 0..8 {
        let name = format!("fault {index}");
        let percent = if dice.u8(..4) == 0 { 0 } else { 100 };
        let share = json!({"numerator": percent});
        let status = dice.u16(200..600);
        let (code, word) = [
            (4, "DEADLINE_EXCEEDED"),
            (14, "UNAVAILABLE"),
            (16, "UNAUTHENTICATED"),
        ][dice.usize(..3)];
        let (theirs, mine) = match dice.u8(..3) {
            0 => (
                json!({"header_abort": {}, "percentage": share}),
                json!({"headerAbort": {}, "percentage": share}),
            ),
            1 => (
                json!({"grpc_status": code, "percentage": share}),
                json!({"grpcStatus": word, "percentage": share}),
            ),
            _ => (
                json!({"http_status": status, "percentage": share}),
                json!({"httpStatus": status, "percentage": share}),
            ),
        };
        let native = json!({
            "abort": theirs, "headers": [{"name": "x-user", "string_match": {"exact": "bob"}}],
        });
        let requests = (0..30).map(|_| {
            let request = request(dice);
            match dice.u8(..3) {
                0 => request.header(
                    "x-envoy-fault-abort-request",
                    dice.u16(190..610).to_string(),
                ),
                1 => request.header(
                    "x-envoy-fault-abort-grpc-request",
                    dice.u8(..17).to_string(),
                ),
                _ => request,
            }
        });
        subjects.push(Subject {
            requests: requests.collect(),
            ours: json!({"faultInjection": {"http": [
                {"match": [{"headers": {"x-user": {"exact": "bob"}}}], "fault": {"abort": mine}},
            ]}}),
            native: Some(Listener::new(&format!("native {name}")).filter(
                "envoy.filters.http.fault",
                "fault.v3.HTTPFault",
                native,
            )),
            is_strict: true,
            name,
        });
    }
    subjects
}

/// The request as a line; none where no line says it.
fn line(request: &Request) -> Option<Line> {
    let headers = request.headers().iter().map(|(name, value)| {
        let value = String::from_utf8(value.clone()).ok()?;
        Some((name.clone(), Values::One(value)))
    });
    Some(Line {
        method: Some(request.method().to_owned()),
        url: format!("http://app.example{}", request.path()),
        headers: HeaderList(headers.collect::<Option<_>>()?),
        ..Line::default()
    })
}

/// What a client can tell of a decision.
type Seen = (u16, Option<u32>);

fn seen(response: &Response) -> Seen {
    (response.status, response.grpc_status())
}

#[test]
fn tokens_limits_and_faults_are_explained_as_envoy_decides_them() {
    let mut dice = Rng::with_seed(SEED);
    let mut subjects = tokens();
    subjects.extend(limits(&mut dice));
    subjects.extend(faults(&mut dice));
    let listeners = subjects.iter().flat_map(|subject| {
        let ours = Listener::new(&format!("ours {}", subject.name));
        let ours = ours.module("mesh-filters", &subject.ours);
        [Some(ours), subject.native.clone()]
    });
    let listeners = listeners
        .flatten()
        .map(|listener| listener.manager("max_request_headers_kb", json!(96)));
    let envoy = Shared::start(listeners, []);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = Timestamp::from_secs(since.as_secs());
    let filter = catalog::find("mesh-filters").unwrap();
    let (mut total, mut answered, mut beside) = (0, 0, 0);
    for subject in &subjects {
        let chain = Chain::load(filter, &subject.ours, now, None).unwrap();
        let mut session = Session::new(&chain, now, Options::default());
        let client = |side: &str| Client::http1(envoy.addr(&format!("{side} {}", subject.name)));
        let mine = client("ours");
        let beside_native = subject.is_strict && subject.native.is_some();
        let theirs = beside_native.then(|| client("native"));
        for request in &subject.requests {
            let Some(line) = line(request) else {
                continue;
            };
            let sent = || request.clone().authority("app.example");
            let answer = session.answer(&line).unwrap();
            // Who stands in for the upstream answers gRPC with a plain 200, which Envoy makes UNKNOWN of.
            let is_grpc = request.first("content-type") == Some(b"application/grpc");
            let passed = answer.decision == Outcome::Allow && is_grpc;
            let told = (
                answer.status,
                if passed { Some(2) } else { answer.grpc_status },
            );
            let what = || format!("{}\n{line:?}\n{answer:?}", subject.name);
            assert_eq!(told, seen(&mine.send(sent())), "ours, {}", what());
            if let Some(theirs) = &theirs {
                assert_eq!(told, seen(&theirs.send(sent())), "native, {}", what());
                beside += 1;
            }
            total += 1;
            answered += usize::from(answer.decision != Outcome::Allow);
        }
    }
    println!("{total} requests, {answered} answered, {beside} of all beside Envoy's own filters");
    assert!(
        answered * 5 > total && answered * 5 < total * 4,
        "{answered} of {total}"
    );
    assert!(beside * 2 > total, "{beside} of {total}");
}
