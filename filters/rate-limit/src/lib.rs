//! Rate limits that hold: over all workers of a proxy, under floods of keys, and when a clock
//! steps. Counted in the proxy, or by Envoy's rate limit service for a fleet of them.

pub mod action;
pub mod config;
pub mod decide;
mod explain;
pub mod gcra;
pub mod index;
pub mod key;
pub mod ledger;
pub mod policy;
pub mod response_headers;
pub mod rls;
pub mod service;
pub mod subject;
pub mod table;

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use sdk_helpers::config::Envelope;
use sdk_helpers::explanation::RuleExplanation;
use sdk_helpers::headers::TextPart;
use sdk_helpers::{
    BackgroundActions, BackgroundEvent, Call, CallResult, Decision, Edits, Filter, HeaderEdit,
    Load, LocalReply, Needs, OutcomeId, Outcomes, Record, Request, Resume, World,
};

use config::Wire;
use decide::{Ask, Pass, Pending, Refusal, Verdict};
use policy::Policy;
use response_headers::{RETRY_AFTER, Reading};
use subject::Subject;
use table::KeySpace;

/// The filter.
#[derive(Debug)]
pub struct RateLimit {
    policy: Policy,
    /// Known once the seed has been read of shared data.
    key_space: OnceCell<KeySpace>,
    /// In which the texts of an answer are written.
    buffer: RefCell<Vec<u8>>,
}

/// Name and value.
type Header = (Cow<'static, str>, Vec<u8>);

/// That a request which passes gets of us.
const MOST_HEADERS: usize = 5;

/// What Envoy's own `local_ratelimit` answers with.
const BODY: &str = "local_rate_limited";

impl Filter for RateLimit {
    const NAME: &'static str = "rate-limit";
    const NEEDS: Needs = Needs {
        grpc_calls: true,
        response_edits: true,
        ..Needs::NOTHING
    };
    type Wire = Wire;
    const ENVELOPE: Envelope = config::ENVELOPE;
    /// A request that the service is asked about.
    type Memory = Option<Pending>;

    fn compile(wire: Wire, load: &Load<'_>) -> Self {
        RateLimit {
            policy: Policy::compile(wire.check(&load.at, load.problems)),
            key_space: OnceCell::new(),
            buffer: RefCell::default(),
        }
    }

    fn outcomes(&self) -> &Outcomes {
        self.policy.outcomes()
    }

    fn summary(&self) -> String {
        match self.policy.limits() {
            1 => "1 limit".to_owned(),
            limits => format!("{limits} limits"),
        }
    }

    fn explain(&self, request: &Request, world: &dyn World) -> Vec<RuleExplanation> {
        let subject = Subject::new(request, world);
        let key_space = self.key_space(world);
        key_space.map_or_else(Vec::new, |key_space| {
            self.policy.explain(&subject, key_space, world)
        })
    }

    fn on_request(
        &self,
        request: &Request,
        world: &dyn World,
        memory: &mut Option<Pending>,
    ) -> Decision {
        let subject = Subject::new(request, world);
        let key_space = self.key_space(world);
        let verdict = self.policy.decide(&subject, key_space, world);
        self.decision(verdict, memory)
    }

    fn on_resume(
        &self,
        resume: Resume,
        _request: &Request,
        world: &dyn World,
        memory: &mut Option<Pending>,
    ) -> Decision {
        let Some(pending) = memory.take() else {
            return Decision::pass();
        };
        let response = match resume {
            Resume::Answered(CallResult::Grpc { status: 0, message }) => rls::response(&message),
            _ => None,
        };
        let verdict = self.policy.resume(pending, response, world);
        self.decision(verdict, memory)
    }

    /// Chooses the seed before the first request comes.
    fn background(&self, _event: BackgroundEvent, world: &dyn World) -> BackgroundActions {
        let _ = self.key_space(world);
        BackgroundActions::default()
    }
}

impl RateLimit {
    fn key_space(&self, world: &dyn World) -> Option<&KeySpace> {
        if self.key_space.get().is_none()
            && let Some(seed) = seed(world)
        {
            let plugin = world.property(&["plugin_name"]).unwrap_or_default();
            // Text in Envoy's own configuration.
            let plugin = String::from_utf8_lossy(&plugin);
            let _ = self.key_space.set(self.policy.key_space(seed, &plugin));
        }
        self.key_space.get()
    }

    fn decision(&self, verdict: Verdict, memory: &mut Option<Pending>) -> Decision {
        match verdict {
            Verdict::Pass(Pass {
                notes,
                readings,
                added: None,
            }) if notes.is_empty() => Decision::Continue(Edits {
                request: Vec::new(),
                response: self.told(&readings, &[]),
                record: Record::default(),
            }),
            Verdict::Pass(pass) => Decision::Continue(self.edits(pass)),
            Verdict::Refuse(refusal) => Decision::Reply(self.reply(*refusal)),
            Verdict::Ask(ask) => self.ask(*ask, memory),
        }
    }

    #[cold]
    fn ask(&self, ask: Ask, memory: &mut Option<Pending>) -> Decision {
        let Some(service) = &self.policy.service else {
            return Decision::pass();
        };
        *memory = Some(ask.pending);
        Decision::Ask {
            call: Call::Grpc {
                cluster: service.config.cluster.clone(),
                service: rls::SERVICE.to_owned(),
                method: rls::METHOD.to_owned(),
                metadata: vec![],
                message: ask.message,
                timeout: service.config.timeout,
            },
            record: record(ask.notes),
        }
    }

    #[inline(never)]
    fn edits(&self, pass: Pass) -> Edits {
        let (request, theirs) = match pass.added {
            Some(added) => (added.request, added.response),
            None => (Vec::new(), Vec::new()),
        };
        let add = |(name, value): (String, _)| HeaderEdit::Add(name.into(), value);
        let mut response = self.told(&pass.readings, &theirs);
        response.extend(theirs.into_iter().map(add));
        Edits {
            request: request.into_iter().map(add).collect(),
            response,
            record: record(pass.notes),
        }
    }

    /// What a request that passes is told. A header of `theirs` is theirs alone.
    fn told(&self, readings: &[Reading], theirs: &[(String, Vec<u8>)]) -> Vec<HeaderEdit> {
        if readings.is_empty() {
            return Vec::new();
        }
        let mut headers = Vec::with_capacity(MOST_HEADERS);
        self.tell(readings, false, &mut |name, value| {
            if theirs.iter().all(|(known, _)| known != name) {
                headers.push(HeaderEdit::AddPart(name, value));
            }
        });
        headers
    }

    fn tell(
        &self,
        readings: &[Reading],
        refusal: bool,
        header: &mut dyn FnMut(&'static str, TextPart),
    ) {
        // Nothing here asks for it twice, and who did would get one of its own.
        match self.buffer.try_borrow_mut() {
            Ok(mut buffer) => response_headers::tell(readings, refusal, &mut buffer, header),
            Err(_) => response_headers::tell(readings, refusal, &mut Vec::new(), header),
        }
    }

    #[cold]
    fn reply(&self, refusal: Refusal) -> LocalReply {
        let mut ours: Vec<Header> = Vec::new();
        let again = refusal.wait.map(response_headers::retry_after);
        ours.extend(again.map(|value| (RETRY_AFTER.into(), value)));
        self.tell(&refusal.readings, true, &mut |name, value| {
            ours.push((name.into(), value.to_vec()));
        });
        let record = record(refusal.notes);
        let limit = refusal
            .limit
            .and_then(|index| self.policy.limits.get(index));
        let Some(limit) = limit.map(|limit| &limit.config) else {
            // The service failed.
            let status = self.policy.service.as_ref();
            return LocalReply {
                status: status.map_or(500, |service| service.config.status_on_error),
                grpc_status: None,
                body: "".into(),
                headers: ours,
                record,
            };
        };
        if refusal.by_service && limit.tells.on(true) {
            // Envoy's own, by which its retries know not to.
            ours.push(("x-envoy-ratelimited".into(), b"true".to_vec()));
        }
        let configured = limit.reply.headers.iter();
        let mut theirs: Vec<Header> = configured
            .map(|(name, value)| (name.clone().into(), value.clone().into()))
            .collect();
        for (name, value) in refusal.headers {
            // There is one time to come back, whoever names it first.
            if name != RETRY_AFTER || theirs.iter().all(|(known, _)| known != RETRY_AFTER) {
                theirs.push((name.into(), value));
            }
        }
        // A header that others name is theirs alone: a client can do nothing with two times to come
        // back, or two numbers of what is left.
        ours.retain(|(name, _)| theirs.iter().all(|(known, _)| known != name));
        ours.extend(theirs);
        let body = match &limit.reply.body {
            Some(body) => body.clone().into(),
            None if refusal.by_service => refusal.body.into(),
            None => BODY.into(),
        };
        LocalReply {
            status: limit.reply.status,
            grpc_status: Some(limit.reply.grpc_status),
            body,
            headers: ours,
            record,
        }
    }
}

fn record(outcomes: Vec<OutcomeId>) -> Record {
    let mut record = Record::default();
    for outcome in outcomes {
        record.add(outcome);
    }
    record
}

/// The seed of the process: whoever comes first chooses it, and all others take it over.
fn seed(world: &dyn World) -> Option<[u8; 16]> {
    let mut seed = None;
    let half = || RandomState::new().build_hasher().finish();
    let chosen = (u128::from(half()) << 64 | u128::from(half())).to_le_bytes();
    world
        .update("mesh_filters.rate-limit.seed", &mut |there| {
            let known = there.and_then(|bytes| bytes.try_into().ok());
            seed = Some(known.unwrap_or(chosen));
            known.is_none().then(|| chosen.to_vec())
        })
        .ok()?;
    seed
}
