//! One stream: what its filters decide, done.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use super::host;
use super::log_name::named;
use super::reason::Reasons;
use super::shared::{Due, Paused, PausedStream, Shared};
use super::stage::StageContext;
use super::types::{Action, HeaderMap};
use sdk_helpers::chain::{Chain, HandedOver, Passage};
use sdk_helpers::claims;
use sdk_helpers::decision::{Call, CallResult, Decision, Edits, LocalReply, Record, Resume};
use sdk_helpers::filter::Exchange;
use sdk_helpers::headers::{HeaderEdit, is_safe_value};
use sdk_helpers::request::{HeaderSource, Request, Response};
use sdk_helpers::world::World;

/// Calls one stream may try in a row that cannot even be sent.
const MOST_FAILED_CALLS: usize = 8;

pub(super) struct Stream<C: Chain>(Rc<Inner<C>>);

struct Inner<C: Chain> {
    id: u32,
    shared: Rc<Shared<C>>,
    /// The snapshot outlives its callback: it is what a resumed decision is made on, and what the
    /// next filter sees.
    request: RefCell<Request>,
    memory: RefCell<C::Memory>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    passage: Passage,
    /// The outcomes so far.
    reasons: Reasons,
    /// Bumped at each pause and at each resume; what comes for an older one is ignored.
    generation: u64,
    /// The filter that it is counted for in the gauge of delayed streams.
    active: Option<usize>,
    /// The call that is out.
    call: Option<u32>,
    /// Whether it goes on after a pause: in a callback that is the root's.
    is_resumed: bool,
}

static REQUEST: HeaderSource = HeaderSource {
    has: |name| host::header(HeaderMap::Request, name).is_some(),
    one: |name| host::header(HeaderMap::Request, name),
    all: || host::headers(HeaderMap::Request),
};

static RESPONSE: HeaderSource = HeaderSource {
    has: |name| host::header(HeaderMap::Response, name).is_some(),
    one: |name| host::header(HeaderMap::Response, name),
    all: || host::headers(HeaderMap::Response),
};

impl<C: Chain> Stream<C> {
    pub(super) fn new(id: u32, shared: Rc<Shared<C>>) -> Self {
        Stream(Rc::new(Inner {
            id,
            shared,
            request: RefCell::new(Request::lazy(&REQUEST)),
            memory: RefCell::default(),
            state: RefCell::default(),
        }))
    }

    pub(super) fn on_request_headers(&self) -> Action {
        self.0.apply(self.0.next(), false)
    }

    pub(super) fn on_response_headers(&self) {
        let inner = &self.0;
        inner.state.borrow_mut().is_resumed = false;
        let mut response = Response::lazy(&RESPONSE);
        let stages = inner.state.borrow().passage.response_stages();
        let is_changed = inner.state.borrow().passage.changes_response();
        for stage in stages {
            let sees_it = |context: &StageContext| context.needs.response_headers;
            if !is_changed && !inner.shared.stage(stage).is_some_and(sees_it) {
                continue;
            }
            for change in inner.state.borrow().passage.response_edits(stage) {
                edit(HeaderMap::Response, change);
                response.apply(change);
            }
            let Some(context) = inner.shared.stage(stage) else {
                continue;
            };
            if !context.needs.response_headers {
                continue;
            }
            let edits = inner.seen(context, |chain, world, memory| {
                chain.on_response(stage, &response, world, memory)
            });
            for change in &edits.headers {
                edit(HeaderMap::Response, change);
                if C::SEVERAL {
                    response.apply(change);
                }
            }
            inner.record(context, edits.record, false);
        }
        inner.state.borrow_mut().passage.respond();
    }

    pub(super) fn on_log(&self) {
        let inner = &self.0;
        inner.state.borrow_mut().is_resumed = false;
        // Taken anew: later filters have changed what these saw.
        let exchange = Exchange {
            request: &Request::lazy(&REQUEST),
            response: &Response::lazy(&RESPONSE),
        };
        for (stage, context) in inner.shared.stages() {
            if context.needs.end {
                let record = inner.seen(context, |chain, world, memory| {
                    chain.on_end(stage, &exchange, world, memory)
                });
                inner.record(context, record, false);
            }
        }
    }
}

impl<C: Chain> Clone for Stream<C> {
    /// The same stream.
    fn clone(&self) -> Self {
        Stream(Rc::clone(&self.0))
    }
}

impl<C: Chain> PausedStream for Inner<C> {
    fn id(&self) -> u32 {
        self.id
    }

    fn generation(&self) -> u64 {
        self.state.borrow().generation
    }

    fn resume(self: Rc<Self>, why: Resume) {
        self.end_pause();
        let decision = self.ask_again(why);
        let _ = self.apply(Some(decision), true);
    }

    fn end_delay(self: Rc<Self>, then: Decision) {
        self.end_pause();
        let _ = self.apply(Some(then), true);
    }
}

impl<C: Chain> Inner<C> {
    /// What the next filter decides; nothing after the last.
    #[inline]
    fn next(&self) -> Option<Decision> {
        let stages = self.shared.chain.stages().len();
        let stage = self.state.borrow_mut().passage.next(stages)?;
        let context = self.shared.stage(stage)?;
        Some(self.seen(context, |chain, world, memory| {
            chain.on_request(stage, &self.request.borrow(), world, memory)
        }))
    }

    fn ask_again(&self, why: Resume) -> Decision {
        let stage = self.state.borrow().passage.stage();
        match self.shared.stage(stage) {
            Some(context) => self.seen(context, |chain, world, memory| {
                chain.on_resume(stage, why, &self.request.borrow(), world, memory)
            }),
            None => Decision::Reply(LocalReply::new(500)),
        }
    }

    /// Asks a filter something, in the world as it is behind those before it.
    fn seen<T>(
        &self,
        context: &StageContext,
        ask: impl FnOnce(&C, &dyn World, &mut C::Memory) -> T,
    ) -> T {
        let chain = &self.shared.chain;
        let mut memory = self.memory.borrow_mut();
        if !C::SEVERAL {
            return ask(chain, &context.world, &mut memory);
        }
        let state = self.state.borrow();
        let world = HandedOver {
            world: &context.world,
            passage: &state.passage,
            claims_in_state: chain.filter_state().claims,
            shows_stream: !state.is_resumed,
        };
        ask(chain, &world, &mut memory)
    }

    /// The filter whose decision it is.
    fn context(&self) -> Option<&StageContext> {
        self.shared.stage(self.state.borrow().passage.stage())
    }

    /// Does what was decided, filter by filter, until none is left to be asked. `paused` tells whether
    /// Envoy has to be told that the stream goes on.
    ///
    /// A decision is large, and nearly every one is to go on: it is looked at where it lies.
    fn apply(self: &Rc<Self>, mut decision: Option<Decision>, paused: bool) -> Action {
        let mut failed_calls = 0;
        loop {
            match &mut decision {
                None => {
                    if paused {
                        host::continue_request();
                    }
                    return Action::Continue;
                }
                Some(Decision::Continue(edits))
                    if C::NEEDS.changes_response() || edits.response.is_empty() =>
                {
                    self.pass(edits);
                    failed_calls = 0;
                    decision = if C::SEVERAL { self.next() } else { None };
                }
                Some(Decision::Ask { .. }) if failed_calls == MOST_FAILED_CALLS => {
                    self.give_up("gave up on calls that could not be sent");
                    return Action::Pause;
                }
                Some(_) => {
                    decision = decision.take().and_then(|decision| self.hold(decision));
                    if decision.is_none() {
                        return Action::Pause;
                    }
                    failed_calls += 1;
                }
            }
        }
    }

    /// Holds or answers the stream. Returns what its filter decides instead, where that was to ask and
    /// the call could not be sent.
    fn hold(self: &Rc<Self>, decision: Decision) -> Option<Decision> {
        let context = self.context()?;
        match decision {
            Decision::Reply(reply) => self.reply(context, reply),
            Decision::Delay { by, record, then } if C::NEEDS.delays => {
                self.record(context, record, false);
                let paused = self.pause();
                let mut state = self.state.borrow_mut();
                state.active = Some(state.passage.stage());
                drop(state);
                context.world.add_active(1);
                self.shared.after(by, Due::EndDelay(paused, *then));
            }
            Decision::Wait { at_most, record } if C::NEEDS.waits => {
                self.record(context, record, false);
                let (waiting, timing_out) = (self.pause(), self.paused());
                let stage = self.state.borrow().passage.stage();
                self.shared.wait(stage, waiting);
                let due = Due::Resume(timing_out, Resume::TimedOut);
                self.shared.after(at_most, due);
            }
            Decision::Ask { call, record } if C::NEEDS.check_call(&call).is_ok() => {
                self.record(context, record, false);
                if !self.ask(&call) {
                    return Some(self.ask_again(Resume::Answered(CallResult::Unsent)));
                }
            }
            // Without the callback that ends it, the stream would hang.
            beyond => {
                let why = C::NEEDS.check(&beyond).err();
                self.give_up(&why.map_or(String::new(), |why| why.to_string()));
            }
        }
        None
    }

    /// Fails the stream closed.
    fn give_up(&self, why: &str) {
        if let Some(context) = self.context() {
            log::error!("{}{why}", named::<C>(context.name));
            self.reply(context, LocalReply::new(500));
        }
    }

    fn ask(self: &Rc<Self>, call: &Call) -> bool {
        let paused = self.pause();
        let token = self.shared.ask(call, paused);
        self.state.borrow_mut().call = token;
        if token.is_none() {
            self.end_pause();
        }
        token.is_some()
    }

    /// Begins a pause.
    fn pause(self: &Rc<Self>) -> Paused {
        let mut state = self.state.borrow_mut();
        state.generation = state.generation.wrapping_add(1);
        drop(state);
        self.paused()
    }

    /// The pause it is in.
    fn paused(self: &Rc<Self>) -> Paused {
        // Named, because a stream of any chain is meant.
        let stream: Weak<Self> = Rc::downgrade(self);
        Paused {
            stream,
            generation: self.generation(),
        }
    }

    /// Ends the pause: whatever else was to end it comes for an older generation now.
    fn end_pause(&self) {
        let mut state = self.state.borrow_mut();
        state.generation = state.generation.wrapping_add(1);
        state.call = None;
        state.is_resumed = true;
        self.shared.end_delay(state.active.take());
    }

    fn pass(&self, edits: &mut Edits) {
        if !edits.request.is_empty() {
            let mut request = self.request.borrow_mut();
            for change in &edits.request {
                edit(HeaderMap::Request, change);
                // For those that come after.
                if C::SEVERAL {
                    request.apply(change);
                }
            }
        }
        if !edits.record.is_empty()
            && let Some(context) = self.context()
        {
            self.record(context, std::mem::take(&mut edits.record), false);
        }
        if !edits.response.is_empty() {
            let mut state = self.state.borrow_mut();
            state
                .passage
                .change_response(std::mem::take(&mut edits.response));
        }
    }

    fn reply(&self, context: &StageContext, reply: LocalReply) {
        self.state.borrow_mut().passage.answer();
        let (reason, detail) = match reply.record.noted().last() {
            Some((outcome, detail)) => (context.reason(outcome), detail),
            None => ("", ""),
        };
        let details = format!("mesh_filters.{}{{{reason}{detail}}}", context.name);
        self.record(context, reply.record, true);
        let status = match reply.status {
            200..=599 => reply.status,
            _ => 500,
        };
        let headers: Vec<(&str, &[u8])> = reply
            .headers
            .iter()
            .filter(|(_, value)| is_safe_value(value))
            .map(|(name, value)| (name.as_ref(), value.as_slice()))
            .collect();
        let body = reply.body.as_bytes();
        if host::send_reply(status, &details, body, &headers, reply.grpc_status).is_err() {
            // Too many headers for Envoy, presumably. An answer without them is still an answer; a
            // stream without one would hang.
            let _ = host::send_reply(status, &details, &[], &[], reply.grpc_status);
        }
    }

    fn record(&self, context: &StageContext, record: Record, is_refusal: bool) {
        if record.is_empty() {
            return;
        }
        if !record.notes.is_empty() {
            for (outcome, detail) in record.noted() {
                context.metrics.count(outcome);
                let reason = context.reason(outcome);
                log::debug!("{}{reason}{detail}", named::<C>(context.name));
            }
            let written = self.shared.chain.filter_state().has_reason(is_refusal);
            let reasons = &mut self.state.borrow_mut().reasons;
            reasons.add(context, &record.notes);
            if written {
                reasons.with_text(&self.shared, context.name, |text| {
                    let _ = host::set_state(&context.reason_key, text);
                });
            }
        }
        if let Some(claims) = &record.claims
            && self.shared.chain.filter_state().claims
        {
            let _ = host::set_state(claims::STATE, claims.json());
        }
        for (key, value) in &record.state {
            let _ = host::set_state(key, value);
        }
        for (series, value) in &record.samples {
            let series_of = |id| self.shared.chain.series(context.stage, id);
            context.metrics.sample(series_of, *series, *value);
        }
        for warning in &record.warnings {
            log::warn!("{}{warning}", named::<C>(context.name));
        }
        if C::SEVERAL {
            self.state.borrow_mut().passage.hand_over(record);
        }
    }
}

impl<C: Chain> Drop for Inner<C> {
    /// The client left, or all is done: nothing of the stream stays behind.
    fn drop(&mut self) {
        let state = self.state.get_mut();
        self.shared.end_delay(state.active.take());
        if let Some(token) = state.call {
            self.shared.forget(token);
        }
    }
}

fn edit(map: HeaderMap, change: &HeaderEdit) {
    if change.is_safe() {
        let _ = host::edit_header(map, change);
    }
}
