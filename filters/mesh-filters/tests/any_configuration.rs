//! Configurations of all filters and requests nobody thought of: whatever comes, it is loaded whole or
//! refused whole, decided filter by filter and never fatal.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use mesh_filters_chain::{Memory, MeshFilters};
use proptest::prelude::*;
use sdk_helpers::chain::{Chain, HandedOver, Passage};
use sdk_helpers::config::arbitrary;
use sdk_helpers::config::kind::FieldKind;
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{
    BackgroundEvent, CallResult, Decision, Exchange, Headers, Record, Request, Response, Resume,
    World,
};
use serde_json::{Map, Value, json};

/// The names of the fields, and what stands beside them.
const PARTS: [&str; 7] = [
    "requestAuthentication",
    "authorizationPolicy",
    "rateLimit",
    "faultInjection",
    "telemetryTags",
    "resources",
    "filterState",
];

/// Texts that are right somewhere in some filter, or nowhere.
const TEXTS: &[&str] = &[
    "1s",
    "5m",
    "0.5ms",
    "/a",
    "/a/{*}",
    "*",
    "a*",
    "",
    "sub",
    "GET",
    "DENY",
    "CUSTOM",
    "10.0.0.0/8",
    "request.headers[x-a]",
    "request.auth.claims[a][b]",
    "request.path",
    "response.code == 200 ? 'a' : 'b'",
    "%REQ(x-a)%",
    "https://issuer.example",
    r#"{"keys": []}"#,
    "(",
    "[a-z]+",
    "RequestAuthentication",
    "AuthorizationPolicy",
    "VirtualService",
    "Telemetry",
    "List",
    "refusals",
    "\u{0}",
    "é",
];

/// Trees of a filter's field names, wherever.
fn tree<W: FieldKind>() -> BoxedStrategy<Value> {
    arbitrary::tree::<W>(arbitrary::leaf::<W>(TEXTS))
}

/// Trees of any filter's field names.
fn part() -> impl Strategy<Value = Value> {
    prop_oneof![
        tree::<request_authentication::config::Wire>(),
        tree::<authorization_policy::config::Wire>(),
        tree::<rate_limit::config::Wire>(),
        tree::<fault_injection::config::Wire>(),
        tree::<telemetry_tags::config::Wire>(),
    ]
}

/// Each filter's part, right in itself.
fn good() -> Value {
    json!({
        "requestAuthentication": {"jwtRules": [{"issuer": "https://issuer.example", "jwksUri": "https://issuer.example/keys",
            "outputClaimToHeaders": [{"header": "x-sub", "claim": "sub"}]}]},
        "authorizationPolicy": {
            "extensionProviders": [{"name": "authz", "envoyExtAuthzHttp": {"cluster": "authz", "timeout": "1s",
                "headersToUpstreamOnAllow": ["x-a"]}}],
            "policies": [
                {"name": "ask", "action": "CUSTOM", "provider": {"name": "authz"}, "rules": [{}]},
                {"name": "deny", "action": "DENY", "rules": [{"when": [{"key": "request.headers[x-a]", "values": ["b*"]}]}]},
            ],
        },
        "rateLimit": {"limits": [{"name": "user", "key": [{"header": "x-a"}], "requests": 2, "per": "1h"}]},
        "faultInjection": {"http": [{"match": [{"headers": {"x-a": {"prefix": "c"}}}],
            "fault": {"delay": {"percentage": {"value": 100}, "fixedDelay": "1s"}}}]},
        "telemetryTags": {"tags": [{"name": "a", "header": {"name": "x-a"}}], "metrics": [{}]},
        "filterState": {"claims": false, "reasons": "refusals"},
    })
}

fn header() -> impl Strategy<Value = (String, Vec<u8>)> {
    let names = prop::sample::select(vec![
        ":path",
        ":method",
        ":authority",
        "authorization",
        "x-a",
        "cookie",
        "content-type",
        "x-envoy-fault-abort-request",
    ]);
    let values = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "[0-9]{0,22}".prop_map(String::into_bytes),
        "/[a-z?&=/#%]{0,20}".prop_map(String::into_bytes),
        "Bearer [a-zA-Z0-9_=.-]{0,60}".prop_map(String::into_bytes),
    ];
    (names.prop_map(str::to_owned), values)
}

/// What comes back of a call, whatever was asked.
fn answer() -> impl Strategy<Value = CallResult> {
    let headers = prop::collection::vec(header(), 0..4);
    let status = prop::sample::select(vec!["200", "302", "403", "503", "x"]);
    let body = prop::collection::vec(any::<u8>(), 0..20);
    let http = (status, headers, body.clone()).prop_map(|(status, headers, body)| {
        let status = (":status".to_owned(), status.as_bytes().to_vec());
        let headers = Headers::from_pairs([status].into_iter().chain(headers));
        CallResult::Http { headers, body }
    });
    let grpc = (0u32..20, body).prop_map(|(status, message)| CallResult::Grpc { status, message });
    prop_oneof![
        http,
        grpc,
        Just(CallResult::Failed),
        Just(CallResult::Unsent)
    ]
}

/// A stream on its way through a chain, taken along as a host does.
struct Stream<'a> {
    chain: &'a MeshFilters,
    world: &'a FakeWorld,
    request: Request,
    passage: Passage,
    memory: Memory,
    /// Until its first pause, as in Envoy.
    shows_stream: bool,
}

impl Stream<'_> {
    fn seen<T>(
        &mut self,
        ask: impl FnOnce(&MeshFilters, &Request, &dyn World, &mut Memory) -> T,
    ) -> T {
        let world = HandedOver {
            world: self.world,
            passage: &self.passage,
            claims_in_state: self.chain.filter_state().claims,
            shows_stream: self.shows_stream,
        };
        ask(self.chain, &self.request, &world, &mut self.memory)
    }

    /// Filter by filter, to the end of the stream.
    fn run(&mut self, answers: &[CallResult]) {
        let stages = self.chain.stages().len();
        let mut answers = answers.iter();
        while let Some(stage) = self.passage.next(stages) {
            let decision = self.seen(|chain, request, world, memory| {
                chain.on_request(stage, request, world, memory)
            });
            if !self.passes(stage, decision, &mut answers) {
                break;
            }
        }
        self.end(stages);
    }

    /// Whether the request goes on to the next filter.
    fn passes<'a>(
        &mut self,
        stage: usize,
        mut decision: Decision,
        answers: &mut impl Iterator<Item = &'a CallResult>,
    ) -> bool {
        loop {
            self.shows_stream &= matches!(decision, Decision::Continue(_) | Decision::Reply(_));
            let resume = match decision {
                Decision::Continue(edits) => {
                    for edit in &edits.request {
                        self.request.apply(edit);
                    }
                    self.keep(stage, edits.record);
                    self.passage.change_response(edits.response);
                    return true;
                }
                Decision::Reply(reply) => {
                    assert!((200..600).contains(&reply.status));
                    self.passage.answer();
                    self.keep(stage, reply.record);
                    return false;
                }
                Decision::Delay { record, then, .. } => {
                    self.keep(stage, record);
                    decision = *then;
                    continue;
                }
                Decision::Wait { record, .. } => {
                    self.keep(stage, record);
                    Resume::TimedOut
                }
                Decision::Ask { record, .. } => {
                    self.keep(stage, record);
                    // The client leaves.
                    let Some(answer) = answers.next() else {
                        return false;
                    };
                    Resume::Answered(answer.clone())
                }
            };
            decision = self.seen(|chain, request, world, memory| {
                chain.on_resume(stage, resume, request, world, memory)
            });
        }
    }

    fn keep(&mut self, stage: usize, record: Record) {
        let texts = self.chain.outcomes(stage).map(ToString::to_string);
        for (outcome, detail) in record.noted() {
            assert!(texts.get(outcome).is_some(), "an outcome of nobody's");
            assert!(!detail.contains([',', ' ']), "{detail}");
        }
        self.passage.hand_over(record);
    }

    /// The way back.
    fn end(&mut self, stages: usize) {
        self.shows_stream = true;
        let mut response = Response::new(Headers::from_pairs([(":status", "200")]));
        for stage in self.passage.response_stages() {
            for edit in self.passage.response_edits(stage) {
                response.apply(edit);
            }
            let edits = self
                .seen(|chain, _, world, memory| chain.on_response(stage, &response, world, memory));
            for edit in &edits.headers {
                response.apply(edit);
            }
        }
        for stage in 0..stages {
            let record = self.seen(|chain, request, world, memory| {
                let exchange = Exchange {
                    request,
                    response: &response,
                };
                chain.on_end(stage, &exchange, world, memory)
            });
            self.keep(stage, record);
        }
    }
}

/// Loads, and takes a request through the chain, with whatever comes back of its calls.
fn decide(bytes: &[u8], headers: &[(String, Vec<u8>)], answers: &[CallResult]) {
    let world = FakeWorld::new();
    let chain = match MeshFilters::load(bytes, &world) {
        Ok(loaded) => loaded.filter,
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in errors {
                let line = error.to_string();
                assert!(!error.problem.is_empty() && !line.contains('\n'), "{line}");
            }
            return;
        }
    };
    for stage in 0..chain.stages().len() {
        let mut events = vec![BackgroundEvent::Loaded, BackgroundEvent::TimerFired];
        events.extend(
            answers
                .iter()
                .map(|answer| BackgroundEvent::Answered(0, answer.clone())),
        );
        for event in events {
            let _ = chain.background(stage, event, &world);
        }
    }
    let mut stream = Stream {
        chain: &chain,
        world: &world,
        request: Request::new(Headers::from_pairs(headers.iter().cloned())),
        passage: Passage::default(),
        memory: Memory::default(),
        shows_stream: true,
    };
    stream.run(answers);
}

fn headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    prop::collection::vec(header(), 0..8)
}

fn answers() -> impl Strategy<Value = Vec<CallResult>> {
    prop::collection::vec(answer(), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Any trees under the names of the filters.
    #[test]
    fn any_parts(parts in prop::collection::vec((prop::sample::select(&PARTS[..]), part()), 0..6), headers in headers(), answers in answers()) {
        let tree: Map<String, Value> = parts.into_iter().map(|(name, part)| (name.to_owned(), part)).collect();
        decide(Value::Object(tree).to_string().as_bytes(), &headers, &answers);
    }

    /// A good configuration in which some parts are any trees, and some are not there.
    #[test]
    fn good_parts_beside_any(changed in prop::collection::vec((prop::sample::select(&PARTS[..]), prop::option::of(part())), 0..3), headers in headers(), answers in answers()) {
        let mut tree = good();
        for (name, part) in changed {
            match part {
                Some(part) => tree[name] = part,
                None => { tree.as_object_mut().unwrap().remove(name); }
            }
        }
        decide(tree.to_string().as_bytes(), &headers, &answers);
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        decide(&bytes, &[], &[]);
    }

    /// A good configuration with any of its bytes changed.
    #[test]
    fn a_good_configuration_spoilt(at in any::<prop::sample::Index>(), byte in any::<u8>(), headers in headers(), answers in answers()) {
        let mut bytes = good().to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        decide(&bytes, &headers, &answers);
    }
}

/// What the others spoil is good, and all of it is there: nothing of it is refused.
#[test]
fn the_good_configuration_is_taken() {
    let world = FakeWorld::new();
    let loaded = MeshFilters::load(good().to_string().as_bytes(), &world);
    let loaded = loaded.map_err(|errors| format!("{errors:?}")).unwrap();
    let names: Vec<&str> = loaded
        .filter
        .stages()
        .iter()
        .map(|stage| stage.name)
        .collect();
    assert_eq!(
        names,
        [
            "authorization-policy",
            "request-authentication",
            "authorization-policy",
            "rate-limit",
            "fault-injection",
            "telemetry-tags",
        ]
    );
}

/// A part that nobody knows, parts of another shape, and nothing at all.
#[test]
fn what_configures_nothing_is_refused() {
    for text in [
        "",
        "{}",
        "[]",
        r#"{"rateLimits": {"limits": []}}"#,
        r#"{"rateLimit": []}"#,
        r#"{"rateLimit": {}}"#,
        r#"{"filterState": {"claims": false}}"#,
        r#"{"resources": []}"#,
    ] {
        let refused = MeshFilters::load(text.as_bytes(), &FakeWorld::new());
        assert!(refused.is_err(), "{text}");
    }
}
