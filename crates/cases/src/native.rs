//! Cases in the filter's own code, against a fake world.

use std::collections::BTreeMap;
use std::time::Duration;

use catalog::Loaded;
use sdk_helpers::claims;
use sdk_helpers::grpc;
use sdk_helpers::text::split_once;
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{
    Beyond, CallResult, ConfigError, Decision, Headers, LocalReply, Record, Request, Response,
    Resume,
};

use crate::TAG;
use crate::case::{Answered, Case, Suite};
use crate::engine::{Configured, Engine, EngineError, Outcome};
use crate::sent::Sent;

/// Loads a suite's configuration into the filter of this name.
///
/// # Errors
/// If there is no such filter.
pub fn natively(filter: &str, suite: &Suite) -> Result<Configured, EngineError> {
    let filter = catalog::find(filter).map_err(|error| error.to_string())?;
    let world = FakeWorld::new();
    world.set_now(suite.time());
    let text = |errors: &[ConfigError]| errors.iter().map(ToString::to_string).collect();
    let configuration = suite.config.to_string();
    Ok(match filter.load(configuration.as_bytes(), &world) {
        Ok(loaded) => Configured::InForce {
            warnings: text(loaded.warnings()),
            engine: Box::new(Native(loaded)),
        },
        Err(errors) => Configured::Refused(text(&errors)),
    })
}

struct Native(Loaded);

impl Engine for Native {
    fn run(&self, case: &Case) -> Result<Outcome, EngineError> {
        let world = FakeWorld::new();
        world.set_now(case.time());
        world.set_rolls(case.dice.iter().flatten().copied());
        world.set_active(case.active.unwrap_or(0));
        attributes(&case.request, &world);
        for (path, value) in &case.attributes {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            world.set_property(&path, value.clone());
        }
        let mut seen = Outcome::default();
        for step in case.steps() {
            if let Some(claims) = step.claims {
                world.set_property(&claims::PATH, claims.to_string());
            }
            seen = self.send(step.request, &case.answers, &world)?;
            world.advance(step.wait);
        }
        Ok(seen)
    }
}

impl Native {
    fn send(
        &self,
        sent: &Sent,
        answers: &[Answered],
        world: &FakeWorld,
    ) -> Result<Outcome, EngineError> {
        let request = Request::new(Headers::from_pairs(sent.all_headers()));
        let mut stream = self.0.stream();
        let mut seen = Seen::default();
        let beyond = |beyond: Beyond| EngineError(format!("{}: {beyond}", self.0.name()));
        let mut decision = stream.on_request(&request, world).map_err(beyond)?;
        let mut answers = answers.iter();
        while let Decision::Ask { record, .. } = decision {
            seen.note(record);
            let result = match answers.next() {
                Some(answered) => CallResult::Http {
                    headers: Headers::from_pairs(answered.headers()),
                    body: answered.body.clone().into_bytes(),
                },
                None => CallResult::Failed,
            };
            let resumed = stream.on_resume(Resume::Answered(result), &request, world);
            decision = resumed.map_err(beyond)?;
        }
        let goes_on = matches!(decision, Decision::Continue(_));
        seen.follow(decision, &request)?;
        if goes_on {
            let response = Response::new(Headers::from_pairs([(":status", "200")]));
            let edits = stream.on_response(&response, world);
            seen.note_state(edits.record);
        }
        seen.outcome(&self.0)
    }
}

/// What was seen so far.
#[derive(Default)]
struct Seen {
    outcome: Outcome,
    /// What gives the reason.
    record: Record,
    state: Vec<(String, Vec<u8>)>,
}

impl Seen {
    fn follow(&mut self, decision: Decision, request: &Request) -> Result<(), EngineError> {
        match decision {
            Decision::Continue(edits) => {
                self.note(edits.record);
                // The upstream's answer of a case has no headers.
                let mut response = Headers::default();
                for edit in &edits.response {
                    response.apply(edit);
                }
                self.outcome.headers = first_values(&response);
                Ok(())
            }
            Decision::Reply(reply) => self.replied(reply, request),
            Decision::Delay { by, record, then } => {
                self.note(record);
                let so_far = self.outcome.delay.unwrap_or(Duration::ZERO);
                self.outcome.delay = Some(so_far.saturating_add(by));
                self.follow(*then, request)
            }
            held @ (Decision::Ask { .. } | Decision::Wait { .. }) => Err(format!(
                "the native engine does not do what the filter decides here: {held:?}"
            )
            .into()),
        }
    }

    fn replied(&mut self, reply: LocalReply, request: &Request) -> Result<(), EngineError> {
        self.note(reply.record);
        // What Envoy makes of a reply to gRPC.
        let (status, grpc_status) = if request.is_grpc() {
            let code = reply
                .grpc_status
                .unwrap_or_else(|| grpc::status_of_http(reply.status.into()));
            (200, Some(code))
        } else {
            (reply.status, None)
        };
        let outcome = &mut self.outcome;
        let headers = reply.headers.iter();
        let headers = headers.map(|(name, value)| (name.as_bytes(), value));
        outcome.headers = first_values(&Headers::from_pairs(headers));
        outcome.status = Some(status);
        outcome.grpc_status = grpc_status;
        outcome.body = Some(text("the body", reply.body.as_bytes())?);
        Ok(())
    }

    fn note(&mut self, record: Record) {
        self.record.notes.extend(record.notes.iter().cloned());
        self.note_state(record);
    }

    fn note_state(&mut self, record: Record) {
        if let Some(claims) = record.claims {
            let key = format!("wasm.{}", claims::STATE);
            self.state.push((key, claims.json().to_vec()));
        }
        let state = record.state.into_iter();
        self.state
            .extend(state.map(|(key, value)| (format!("wasm.{key}"), value.to_vec())));
    }

    fn outcome(mut self, filter: &Loaded) -> Result<Outcome, EngineError> {
        self.outcome.reason = filter.reason(&self.record);
        for (key, value) in &self.state {
            if let Some(name) = key.strip_prefix(TAG) {
                let value = text(key, value)?;
                self.outcome.tags.insert(name.to_owned(), value);
            }
        }
        Ok(self.outcome)
    }
}

fn text(what: &str, bytes: &[u8]) -> Result<String, EngineError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(format!("{what} is no text, and a case has nothing else: {bytes:?}").into()),
    }
}

/// What Envoy knows of a request by its headers, and of a plain answer.
fn attributes(sent: &Sent, world: &FakeWorld) {
    let whole = sent.path();
    let (path, query) = split_once(whole, b'?').unwrap_or((whole, b""));
    for (name, text) in [
        ("path", whole),
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
