//! Cases in the filters' own code, against a fake world.

use std::collections::BTreeMap;
use std::time::Duration;

use catalog::{Filter, Loaded, Stream};
use sdk_helpers::claims;
use sdk_helpers::filter::Exchange;
use sdk_helpers::grpc;
use sdk_helpers::text::split_once;
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{
    Beyond, CallResult, ConfigError, Decision, Headers, LocalReply, Request, Response, Resume,
};

use crate::case::{Answered, Case, Suite};
use crate::coverage::Reached;
use crate::engine::{Configured, Covered, Engine, EngineError, Outcome};
use crate::sent::Sent;
use crate::{OURS, TAG};

/// Loads a suite's configuration into the filter of this name.
///
/// # Errors
/// If there is no such filter.
pub fn natively(filter: &str, suite: &Suite) -> Result<Configured, EngineError> {
    let filter = catalog::find(filter).map_err(|error| error.to_string())?;
    Ok(in_own_code(filter, suite))
}

/// Loads a suite's configuration into a filter, one of ours or another.
///
/// ```
/// use cases::{File, in_own_code, run};
/// use catalog::Filter;
///
/// const MINE: Filter = Filter::of::<fault_injection::FaultInjection>();
///
/// let folder = std::path::Path::new("../../filters/fault-injection/cases");
/// for file in File::read_folder(MINE.name(), folder)? {
///     let report = run(&file, &|_, suite| Ok(in_own_code(&MINE, suite)));
///     assert!(report.is_well() && report.passed > 0, "{report}");
/// }
/// # Ok::<(), cases::Error>(())
/// ```
#[must_use]
pub fn in_own_code(filter: &Filter, suite: &Suite) -> Configured {
    let world = FakeWorld::new();
    world.set_now(suite.time());
    let text = |errors: &[ConfigError]| errors.iter().map(ToString::to_string).collect();
    let configuration = suite.config.to_string();
    match filter.load(configuration.as_bytes(), &world) {
        Ok(loaded) => Configured::InForce {
            warnings: text(loaded.warnings()),
            engine: Box::new(Native {
                reached: Reached::of(&loaded),
                loaded,
            }),
        },
        Err(errors) => Configured::Refused(text(&errors)),
    }
}

struct Native {
    loaded: Loaded,
    reached: Reached,
}

impl Engine for Native {
    fn rules(&self) -> Vec<Covered> {
        self.reached.rules()
    }

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
        let mut stream = self.loaded.stream(request);
        let mut outcome = Outcome::default();
        let mut answers = answers.iter();
        let mut next = stream.next(world).map_err(|beyond| self.told(beyond))?;
        // The upstream's answer of a case has no headers.
        let mut response = Headers::from_pairs([(":status", "200")]);
        while let Some(decided) = next {
            self.reached.decided(&self.loaded, &decided);
            match ended(decided.decision, &mut outcome.delay) {
                Decision::Continue(_) => {
                    next = stream.next(world).map_err(|beyond| self.told(beyond))?;
                }
                Decision::Reply(reply) => {
                    response = replied(reply, stream.request(), &mut outcome)?;
                    next = None;
                }
                Decision::Ask { .. } => {
                    let answer = Resume::Answered(result(answers.next()));
                    let resumed = stream.resume(answer, world);
                    next = Some(resumed.map_err(|beyond| self.told(beyond))?);
                }
                held => {
                    return Err(format!(
                        "the native engine does not do what the filter decides here: {held:?}"
                    )
                    .into());
                }
            }
        }
        let mut response = Response::new(response);
        if let Some(status) = response.status() {
            let status = i64::from(status).to_le_bytes();
            world.set_property(&["response", "code"], status);
        }
        for responded in stream.respond(&mut response, world) {
            let record = &responded.edits.record;
            self.reached.record(&self.loaded, responded.stage, record);
        }
        outcome.headers = first_values(response.headers());
        let request = Request::new(stream.request().headers().clone());
        let exchange = Exchange {
            request: &request,
            response: &response,
        };
        for (stage, record) in stream.end(&exchange, world) {
            self.reached.record(&self.loaded, stage, &record);
        }
        self.left(&stream, &mut outcome)?;
        Ok(outcome)
    }

    fn told(&self, beyond: Beyond) -> EngineError {
        EngineError(format!("{}: {beyond}", self.loaded.name()))
    }

    /// What filter state has in the end.
    fn left(&self, stream: &Stream<'_>, outcome: &mut Outcome) -> Result<(), EngineError> {
        let state = stream.filter_state();
        for (key, value) in &state {
            if let Some(name) = key.strip_prefix(TAG) {
                outcome.tags.insert(name.to_owned(), text(key, value)?);
            }
        }
        for stage in self.loaded.stages() {
            if let Some(value) = state.get(&[OURS, stage.name].concat()) {
                outcome.note(self.loaded.name(), stage.name, text("the reason", value)?);
            }
        }
        Ok(())
    }
}

/// What a decision comes to after all delays, which it adds up.
fn ended(decision: Decision, delay: &mut Option<Duration>) -> Decision {
    match decision {
        Decision::Delay { by, then, .. } => {
            let so_far = delay.unwrap_or(Duration::ZERO);
            *delay = Some(so_far.saturating_add(by));
            ended(*then, delay)
        }
        other => other,
    }
}

/// What comes of a call.
fn result(answered: Option<&Answered>) -> CallResult {
    match answered {
        Some(answered) => CallResult::Http {
            headers: Headers::from_pairs(answered.headers()),
            body: answered.body.clone().into_bytes(),
        },
        None => CallResult::Failed,
    }
}

/// What Envoy makes of a reply.
fn replied(
    reply: LocalReply,
    request: &Request,
    outcome: &mut Outcome,
) -> Result<Headers, EngineError> {
    let (status, grpc_status) = if request.is_grpc() {
        let code = reply
            .grpc_status
            .unwrap_or_else(|| grpc::status_of_http(reply.status.into()));
        (200, Some(code))
    } else {
        (reply.status, None)
    };
    outcome.status = Some(status);
    outcome.grpc_status = grpc_status;
    outcome.body = Some(text("the body", reply.body.as_bytes())?);
    let status = (":status".to_owned(), status.to_string().into_bytes());
    let headers = reply.headers.into_iter();
    let headers = headers.map(|(name, value)| (name.into_owned(), value));
    Ok(Headers::from_pairs([status].into_iter().chain(headers)))
}

fn text(what: &str, bytes: &[u8]) -> Result<String, EngineError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(format!("{what} is no text, and a case has nothing else: {bytes:?}").into()),
    }
}

/// What Envoy knows of a request by its headers.
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
