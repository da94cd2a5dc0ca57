//! One request after another, in a world that remembers them.

mod outcome;
mod request;
mod rolls;

use std::collections::BTreeMap;
use std::rc::Rc;

use catalog::{Decided, Loaded, Stream};
use sdk_helpers::claims::Claims;
use sdk_helpers::filter::Exchange;
use sdk_helpers::{
    Beyond, Call, CallResult, Decision, Headers, LocalReply, Request, Response, Resume, Roll,
    Timestamp, World as _,
};

use crate::answer::{Answer, Change, FilterAnswer, Message, Outcome};
use crate::chain::Chain;
use crate::line::Line;
use crate::path::Normalization;
use crate::rules::RuleVerdict;
use crate::secrets::Secrets;
use crate::world::{SimulatedWorld, Trial};
use outcome::Reply;
pub(crate) use outcome::Said;
use request::Sent;
use rolls::Dice;

/// What is said of all requests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// What Envoy makes of paths.
    pub normalization: Normalization,
    /// Envoy's `xff_num_trusted_hops`: how many proxies in front of it say who the client is.
    pub trusted_hops: u32,
    /// Where the dice fall, unless a line says so.
    pub roll: Option<Roll>,
    /// Whether each rule is told, with what it is to the request.
    pub rules: bool,
}

/// Filters that are asked about one request after another. What they share, such as what is left of a limit,
/// is kept, and the clock is that of the line, or of the one before.
pub struct Session<'a> {
    chain: &'a Chain,
    options: Options,
    world: SimulatedWorld,
    dice: Dice,
}

/// Where no throw hits but one that always does.
const NO_HIT: Roll = Roll::new(Roll::SIDES as u64 - 1);

/// The filter that sets tags.
const TAGS: &str = "telemetry-tags";

/// A tag's filter state.
const TAG: &str = "mesh_filters.tag.";

impl<'a> Session<'a> {
    /// A session that begins at a time.
    #[must_use]
    pub fn new(chain: &'a Chain, now: Timestamp, options: Options) -> Self {
        Session {
            chain,
            options,
            world: SimulatedWorld::new(now, chain.workload.clone()),
            dice: Dice::default(),
        }
    }

    /// What becomes of a request.
    ///
    /// # Errors
    /// What is wrong with the line, by the name of its field. Nothing of it is quoted.
    pub fn answer(&mut self, line: &Line) -> Result<Answer, String> {
        let sent = Sent::read(line, &self.options)?;
        if let Some(at) = sent.at {
            self.world.set_now(at);
        }
        self.world.set_roll(sent.roll.unwrap_or(NO_HIT));
        let jwt = line.jwt.as_deref();
        let secrets = self.chain.secrets.of_request(jwt, sent.headers.iter());
        if !sent.is_normal {
            return Ok(refused_by_envoy(&sent.headers, &secrets));
        }
        let loaded = self.chain.filters(sent.stream.claims.is_some());
        let claims = sent.stream.claims.clone();
        self.world.begin(sent.stream);
        let request = Request::new(sent.headers);
        let Some(loaded) = loaded else {
            return Ok(allowed(&request, &secrets));
        };
        let mut walk = Walk {
            chain: self.chain,
            world: &self.world,
            dice: sent.roll.is_none().then_some(&mut self.dice),
            loaded,
            secrets: &secrets,
            claims,
            filters: Vec::with_capacity(loaded.stages().len()),
            delay: None,
            rules: self.options.rules.then(Vec::new),
        };
        walk.run(request).map_err(|(name, beyond)| {
            format!("the filter {name} decided what it never should, which is a bug: {beyond}")
        })
    }
}

/// A request on its way through the filters.
struct Walk<'s, 'c> {
    chain: &'c Chain,
    world: &'s SimulatedWorld,
    /// Where no throw is given.
    dice: Option<&'s mut Dice>,
    loaded: &'c Loaded,
    secrets: &'s Secrets,
    claims: Option<Rc<Claims>>,
    filters: Vec<FilterAnswer>,
    delay: Option<u64>,
    /// Where they are asked for.
    rules: Option<Vec<RuleVerdict>>,
}

impl Walk<'_, '_> {
    fn run(&mut self, request: Request) -> Result<Answer, (&'static str, Beyond)> {
        let loaded = self.loaded;
        let name = |stage: usize| loaded.stages().get(stage).map_or("", |stage| stage.name);
        let mut stream = loaded.stream(request);
        let mut replied = None;
        while replied.is_none() {
            let rolls = match &mut self.dice {
                Some(dice) => dice.thresholds(loaded, &mut stream, self.world),
                None => Vec::new(),
            };
            let asked = stream.upcoming().map_or("", |stage| stage.name);
            if asked != TAGS {
                self.explain(self.filters.len(), &stream);
            }
            let Some(decided) = stream.next(self.world).map_err(|beyond| (asked, beyond))? else {
                break;
            };
            let stage = decided.stage;
            let mut answer = FilterAnswer {
                filter: name(stage),
                decision: Outcome::Allow,
                reason: String::new(),
                delay_ms: None,
                rolls,
                closest: None,
                unreachable: None,
                request: Vec::new(),
                response: Vec::new(),
            };
            let reply = self.follow(&mut stream, decided, &mut answer);
            replied = reply.map_err(|beyond| (name(stage), beyond))?;
            self.filters.push(answer);
        }
        Ok(self.end(stream, replied))
    }

    /// Asks a filter what each of its rules is to the request.
    fn explain(&mut self, stage: usize, stream: &Stream<'_>) {
        let (Some(rules), Some(of)) = (&mut self.rules, self.loaded.stages().get(stage)) else {
            return;
        };
        let explained = stream.explain(stage, &Trial::new(self.world, self.world.roll()));
        let verdict = |rule| RuleVerdict::of(of.name, rule, self.secrets);
        rules.extend(explained.into_iter().map(verdict));
    }

    /// Follows what a filter decides until it lets the request go on, or answers it.
    fn follow(
        &mut self,
        stream: &mut Stream<'_>,
        decided: Decided,
        answer: &mut FilterAnswer,
    ) -> Result<Option<Reply>, Beyond> {
        let mut decided = decided;
        let reply = loop {
            let stage = decided.stage;
            let said = Said::of(decided.decision, &mut |record| {
                if let Some(reason) = self.loaded.reason(stage, record) {
                    let between = if answer.reason.is_empty() { "" } else { "," };
                    answer.reason.push_str(between);
                    answer.reason.push_str(&reason);
                }
            });
            if let Some(delay) = said.delay {
                answer.delay_ms = Some(answer.delay_ms.unwrap_or(0).saturating_add(delay));
            }
            let resume = match said.last {
                Decision::Continue(edits) => {
                    // Those of a token that was verified, if this filter did that.
                    self.claims = edits.record.claims.or(self.claims.take());
                    let change = |edit| Change::of(edit, self.secrets);
                    answer.request = edits.request.iter().map(change).collect();
                    break None;
                }
                Decision::Reply(reply) => {
                    let refused = self.refused(stage, &reply, stream.request(), answer);
                    break Some(refused);
                }
                Decision::Ask { call, .. } => {
                    answer.unreachable = Some(cluster(call));
                    Resume::Answered(CallResult::Unsent)
                }
                Decision::Wait { .. } | Decision::Delay { .. } => Resume::TimedOut,
            };
            decided = stream.resume(resume, self.world)?;
        };
        if let Some(delay) = answer.delay_ms {
            self.delay = Some(self.delay.unwrap_or(0).saturating_add(delay));
        }
        Ok(reply)
    }

    fn refused(
        &self,
        stage: usize,
        reply: &LocalReply,
        request: &Request,
        answer: &mut FilterAnswer,
    ) -> Reply {
        let last = reply.record.noted().last();
        let outcome =
            last.and_then(|(id, detail)| Some((self.loaded.outcomes(stage).find(id)?, detail)));
        if let Some((outcome, detail)) = outcome
            && let Some(policy) = &outcome.policy
            && outcome.reason.starts_with("no_allow")
        {
            let sent = self.world.stream();
            let written = &self.chain.written;
            let claims = self.claims.as_deref();
            answer.closest = written.closest(policy, detail, request, &sent, claims, self.secrets);
        }
        let reason = outcome.map(|(outcome, detail)| {
            let mut reason = String::new();
            outcome.add_to(&mut reason, detail);
            reason
        });
        answer.decision = Outcome::of_reply(answer.filter);
        Reply::new(answer, reason, reply, request)
    }

    fn end(&mut self, mut stream: Stream<'_>, replied: Option<Reply>) -> Answer {
        let headers = match &replied {
            Some(reply) => reply.headers.clone(),
            None => Headers::from_pairs([(":status", "200")]),
        };
        let mut response = Response::new(headers);
        let status = response.status().unwrap_or(200);
        self.world.answered(status);
        for responded in stream.respond(&mut response, self.world) {
            let edits = responded.edits.headers.iter();
            let changes = edits.map(|edit| Change::of(edit, self.secrets));
            if let Some(answer) = self.filters.get_mut(responded.stage) {
                answer.response = changes.collect();
            }
        }
        let request = Message::of(stream.request().headers(), self.secrets);
        // Few filters see the end, and for them the request is taken a second time.
        if self.loaded.stages().iter().any(|stage| stage.needs.end) {
            let ended = Request::new(stream.request().headers().clone());
            let exchange = Exchange {
                request: &ended,
                response: &response,
            };
            let _ = stream.end(&exchange, self.world);
        }
        let mut tags = BTreeMap::new();
        for (key, value) in stream.left() {
            if let Some(name) = key.strip_prefix(TAG) {
                let value = self.secrets.bytes(value).into_owned();
                tags.insert(name.to_owned(), value);
            }
        }
        // They are set to the end, also for a request that was answered before.
        let mut stages = self.loaded.stages().iter();
        if let Some(stage) = stages.position(|stage| stage.name == TAGS) {
            self.explain(stage, &stream);
        }
        let mut rules = self.rules.take().unwrap_or_default();
        for rule in rules.iter_mut().filter(|rule| rule.filter == TAGS) {
            rule.set_tag(tags.get(&rule.rule));
        }
        let message = Message::of(response.headers(), self.secrets);
        let mut answer = Answer {
            decision: Outcome::Allow,
            status: response.status().unwrap_or(status),
            grpc_status: None,
            by: None,
            reason: None,
            delay_ms: self.delay,
            filters: std::mem::take(&mut self.filters),
            rules,
            request,
            response: message,
            tags,
        };
        if let Some(reply) = replied {
            answer.decision = reply.decision;
            answer.grpc_status = reply.grpc_status;
            answer.by = Some(reply.by);
            answer.reason = Some(reply.reason);
        }
        answer
    }
}

fn cluster(call: Call) -> String {
    match call {
        Call::Http { cluster, .. } | Call::Grpc { cluster, .. } => cluster,
    }
}

fn allowed(request: &Request, secrets: &Secrets) -> Answer {
    Answer {
        decision: Outcome::Allow,
        status: 200,
        grpc_status: None,
        by: None,
        reason: None,
        delay_ms: None,
        filters: Vec::new(),
        rules: Vec::new(),
        request: Message::of(request.headers(), secrets),
        response: Message::of(&Headers::from_pairs([(":status", "200")]), secrets),
        tags: BTreeMap::new(),
    }
}

/// Envoy itself refuses a path that it cannot normalize, before any filter.
fn refused_by_envoy(headers: &Headers, secrets: &Secrets) -> Answer {
    let response = Headers::from_pairs([(":status", "400")]);
    Answer {
        decision: Outcome::Deny,
        status: 400,
        by: Some("envoy"),
        reason: Some("path_normalization_failed".to_owned()),
        response: Message::of(&response, secrets),
        ..allowed(&Request::new(headers.clone()), secrets)
    }
}
