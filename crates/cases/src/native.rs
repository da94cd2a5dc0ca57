//! Cases in the filter's own code, against a fake world.

use std::collections::BTreeMap;
use std::time::Duration;

use sdk_helpers::claims;
use sdk_helpers::config::timestamp;
use sdk_helpers::grpc;
use sdk_helpers::text::split_once;
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{
    CallResult, Decision, Filter, Headers, Loaded, Record, Request, Response, Resume, load,
};

use super::{Case, Engine, NOW, Outcome, Suite, TAG};

/// A suite's filter, loaded; or every error of its configuration.
pub type Natively = Result<(Box<dyn Engine>, Vec<String>), Vec<String>>;

/// Loads a suite's configuration into the filter of this name. This list and the crate's
/// dependency are all that a new filter adds here.
pub fn natively(filter: &str, suite: &Suite) -> Natively {
    match filter {
        "authorization-policy" => native::<authorization_policy::AuthorizationPolicy>(suite),
        "fault-injection" => native::<fault_injection::FaultInjection>(suite),
        "rate-limit" => native::<rate_limit::RateLimit>(suite),
        "request-authentication" => native::<request_authentication::RequestAuthentication>(suite),
        "telemetry-tags" => native::<telemetry_tags::TelemetryTags>(suite),
        _ => panic!("`{filter}` is not in the list of natively(); add it"),
    }
}

fn native<F: Filter>(suite: &Suite) -> Natively {
    let text = |errors: Vec<sdk_helpers::ConfigError>| -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    };
    let world = FakeWorld::new();
    world.set_now(timestamp(NOW).expect("the time of a case"));
    match load::<F>(suite.config.to_string().as_bytes(), &world) {
        Ok(Loaded {
            filter, warnings, ..
        }) => Ok((Box::new(Native(filter)), text(warnings))),
        Err(errors) => Err(text(errors)),
    }
}

struct Native<F>(F);

impl<F: Filter> Engine for Native<F> {
    fn run(&self, case: &Case) -> Outcome {
        let world = FakeWorld::new();
        let now = case.now.as_deref().unwrap_or(NOW);
        world.set_now(timestamp(now).expect("the time of a case"));
        world.set_rolls(case.dice.iter().flatten().copied());
        world.set_active(case.active.unwrap_or(0));
        attributes(case, &world);
        for (path, bytes) in case.encoded_facts() {
            world.set_property(&path, bytes);
        }
        let mut seen = Outcome::default();
        for (case, wait) in case.requests() {
            if let Some(claims) = &case.claims {
                world.set_property(&claims::PATH, claims.to_string());
            }
            seen = self.send(&case, &world);
            world.advance(wait.unwrap_or_default());
        }
        seen
    }
}

impl<F: Filter> Native<F> {
    fn send(&self, case: &Case, world: &FakeWorld) -> Outcome {
        let request = Request::new(Headers::from_pairs(case.headers()));
        let mut memory = F::Memory::default();
        let mut seen = Outcome::default();
        let mut decision = within::<F>(self.0.on_request(&request, world, &mut memory));
        let mut answers = case.answers.iter();
        while let Decision::Ask { record, .. } = decision {
            self.note(&record, &mut seen);
            let answer = match answers.next() {
                Some(answered) => CallResult::Http {
                    headers: Headers::from_pairs(answered.headers()),
                    body: answered.body.clone().into_bytes(),
                },
                None => CallResult::Failed,
            };
            let resume = Resume::Answered(answer);
            decision = within::<F>(self.0.on_resume(resume, &request, world, &mut memory));
        }
        let goes_on = matches!(decision, Decision::Continue(_));
        self.follow(decision, &request, &mut seen);
        if goes_on && F::NEEDS.response_headers {
            let response = Response::new(Headers::from_pairs([(":status", "200")]));
            let edits = self.0.on_response(&response, world, &mut memory);
            note_tags(&edits.record, &mut seen);
        }
        seen
    }

    fn follow(&self, decision: Decision, request: &Request, seen: &mut Outcome) {
        match decision {
            Decision::Continue(edits) => {
                self.note(&edits.record, seen);
                // The upstream's answer of a case has no headers.
                let mut response = Headers::default();
                for edit in &edits.response {
                    response.apply(edit);
                }
                seen.headers = first_values(&response);
            }
            Decision::Reply(reply) => {
                self.note(&reply.record, seen);
                // What Envoy makes of a reply to gRPC.
                let (status, grpc_status) = if request.is_grpc() {
                    let code = reply
                        .grpc_status
                        .unwrap_or_else(|| grpc::status_of_http(reply.status.into()));
                    (200, Some(code))
                } else {
                    (reply.status, None)
                };
                let headers = reply.headers.iter();
                let headers = headers.map(|(name, value)| (name.as_bytes(), value));
                seen.headers = first_values(&Headers::from_pairs(headers));
                seen.status = Some(status);
                seen.grpc_status = grpc_status;
                let body = reply.body.as_bytes().to_vec();
                seen.body = Some(String::from_utf8(body).expect("a body is text"));
            }
            Decision::Delay { by, record, then } => {
                self.note(&record, seen);
                seen.delay = Some(seen.delay.unwrap_or(Duration::ZERO) + by);
                self.follow(*then, request, seen);
            }
            held @ (Decision::Ask { .. } | Decision::Wait { .. }) => {
                panic!("a case does not hold a request so: {held:?}")
            }
        }
    }

    fn note(&self, record: &Record, seen: &mut Outcome) {
        note_tags(record, seen);
        for (outcome, detail) in record.noted() {
            let text = self.0.outcomes().find(outcome).expect("its own outcome");
            let so_far = seen.reason.take().map_or(String::new(), |text| text + ",");
            seen.reason = Some(format!("{so_far}{text}{detail}"));
        }
    }
}

/// What was decided, if the filter has the callbacks for it; the shell would refuse it else.
fn within<F: Filter>(decision: Decision) -> Decision {
    if let Err(beyond) = F::NEEDS.check(&decision) {
        panic!("{}: {beyond}", F::NAME);
    }
    decision
}

fn note_tags(record: &Record, seen: &mut Outcome) {
    for (key, value) in &record.state {
        if let Some(name) = format!("wasm.{key}").strip_prefix(TAG) {
            let value = String::from_utf8(value.clone()).expect("a tag is text");
            seen.tags.insert(name.to_owned(), value);
        }
    }
}

/// What Envoy knows of a request by its headers, and of a plain answer.
fn attributes(case: &Case, world: &FakeWorld) {
    let sent = &case.request;
    let whole = sent.path();
    let (path, query) = split_once(&whole, b'?').unwrap_or((&whole, b""));
    for (name, text) in [
        ("path", whole.as_slice()),
        ("url_path", path),
        ("query", query),
        ("host", sent.authority.as_bytes()),
        ("method", sent.method.as_bytes()),
        ("scheme", b"http"),
        ("protocol", b"HTTP/1.1"),
    ] {
        world.set_property(&["request", name], text);
    }
    world.set_property(&["response", "code"], 200i64.to_le_bytes());
    world.set_property(&["connection", "mtls"], [0]);
}

/// Of a repeated header the first value.
fn first_values(headers: &Headers) -> BTreeMap<String, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut map = BTreeMap::new();
    for (name, value) in headers.iter() {
        map.entry(text(name)).or_insert(text(value));
    }
    map
}
