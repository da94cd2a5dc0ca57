//! One stream: what its filter decides, done.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use super::host;
use super::log_name::named;
use super::shared::{Due, Paused, PausedStream, Shared};
use super::types::{Action, MapType};
use sdk_helpers::claims;
use sdk_helpers::decision::{Call, CallResult, Decision, Edits, LocalReply, Record, Resume};
use sdk_helpers::filter::{Exchange, Filter};
use sdk_helpers::headers::{HeaderEdit, is_safe_value};
use sdk_helpers::ids::OutcomeId;
use sdk_helpers::request::{HeaderSource, Request, Response};

/// Calls one stream may try in a row that cannot even be sent.
const MOST_FAILED_CALLS: usize = 8;

pub(super) struct Stream<F: Filter>(Rc<Inner<F>>);

struct Inner<F: Filter> {
    id: u32,
    shared: Rc<Shared<F>>,
    /// The snapshot outlives its callback: it is what a resumed decision is made on.
    request: Request,
    memory: RefCell<F::Memory>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    /// For the response, whoever gives it.
    response: Vec<HeaderEdit>,
    /// The outcomes so far, as filter state has them.
    reason: String,
    /// Bumped at each pause and at each resume; what comes for an older one is ignored.
    generation: u64,
    /// Counted in the gauge of delayed streams.
    active: bool,
    /// The call that is out.
    call: Option<u32>,
}

const REQUEST: HeaderSource = HeaderSource {
    has: |name| host::header(MapType::HttpRequestHeaders, name).is_some(),
    one: |name| host::header(MapType::HttpRequestHeaders, name),
    all: || host::headers(MapType::HttpRequestHeaders),
};

const RESPONSE: HeaderSource = HeaderSource {
    has: |name| host::header(MapType::HttpResponseHeaders, name).is_some(),
    one: |name| host::header(MapType::HttpResponseHeaders, name),
    all: || host::headers(MapType::HttpResponseHeaders),
};

impl<F: Filter> Stream<F> {
    pub(super) fn new(id: u32, shared: Rc<Shared<F>>) -> Self {
        Stream(Rc::new(Inner {
            id,
            shared,
            request: Request::lazy(REQUEST),
            memory: RefCell::default(),
            state: RefCell::default(),
        }))
    }

    pub(super) fn on_request_headers(&self) -> Action {
        let inner = &self.0;
        let shared = &inner.shared;
        let decision = shared.filter.on_request(
            &inner.request,
            &shared.world,
            &mut inner.memory.borrow_mut(),
        );
        inner.apply(decision, false)
    }

    pub(super) fn on_response_headers(&self) {
        let inner = &self.0;
        let shared = &inner.shared;
        let response = Response::lazy(RESPONSE);
        let edits =
            shared
                .filter
                .on_response(&response, &shared.world, &mut inner.memory.borrow_mut());
        let pending = std::mem::take(&mut inner.state.borrow_mut().response);
        edit(MapType::HttpResponseHeaders, &pending);
        edit(MapType::HttpResponseHeaders, &edits.headers);
        inner.record(&edits.record);
    }

    pub(super) fn on_log(&self) {
        let inner = &self.0;
        let shared = &inner.shared;
        // Taken anew: later filters have changed what this one saw.
        let exchange = Exchange {
            request: &Request::lazy(REQUEST),
            response: &Response::lazy(RESPONSE),
        };
        let record = shared
            .filter
            .on_end(&exchange, &shared.world, &mut inner.memory.borrow_mut());
        inner.record(&record);
    }
}

impl<F: Filter> Clone for Stream<F> {
    /// The same stream.
    fn clone(&self) -> Self {
        Stream(Rc::clone(&self.0))
    }
}

impl<F: Filter> PausedStream for Inner<F> {
    fn id(&self) -> u32 {
        self.id
    }

    fn generation(&self) -> u64 {
        self.state.borrow().generation
    }

    fn resume(self: Rc<Self>, why: Resume) {
        self.end_pause();
        let decision = self.ask_again(why);
        let _ = self.apply(decision, true);
    }

    fn end_delay(self: Rc<Self>, then: Decision) {
        self.end_pause();
        let _ = self.apply(then, true);
    }
}

impl<F: Filter> Inner<F> {
    fn ask_again(&self, why: Resume) -> Decision {
        let shared = &self.shared;
        shared.filter.on_resume(
            why,
            &self.request,
            &shared.world,
            &mut self.memory.borrow_mut(),
        )
    }

    /// Does what was decided. `paused` tells whether Envoy has to be told that the stream goes on.
    fn apply(self: &Rc<Self>, mut decision: Decision, paused: bool) -> Action {
        for _ in 0..MOST_FAILED_CALLS {
            match decision {
                Decision::Continue(edits)
                    if F::NEEDS.response_headers || edits.response.is_empty() =>
                {
                    self.go_on(edits);
                    if paused {
                        host::continue_request();
                    }
                    return Action::Continue;
                }
                Decision::Reply(reply) => {
                    self.reply(&reply);
                    return Action::Pause;
                }
                Decision::Delay { by, record, then } if F::NEEDS.delays => {
                    self.record(&record);
                    let paused = self.pause();
                    self.state.borrow_mut().active = true;
                    self.shared.world.add_active(1);
                    self.shared.after(by, Due::EndDelay(paused, *then));
                    return Action::Pause;
                }
                Decision::Wait { at_most, record } if F::NEEDS.waits => {
                    self.record(&record);
                    let (waiting, timing_out) = (self.pause(), self.paused());
                    self.shared.wait(waiting);
                    let due = Due::Resume(timing_out, Resume::TimedOut);
                    self.shared.after(at_most, due);
                    return Action::Pause;
                }
                Decision::Ask { call, record } if F::NEEDS.check_call(&call).is_ok() => {
                    self.record(&record);
                    if self.ask(&call) {
                        return Action::Pause;
                    }
                    decision = self.ask_again(Resume::Answered(CallResult::Unsent));
                }
                // Without the callback that ends it, the stream would hang.
                beyond => {
                    let why = F::NEEDS.check(&beyond).err();
                    return self.give_up(&why.map_or(String::new(), |why| why.to_string()));
                }
            }
        }
        self.give_up("gave up on calls that could not be sent")
    }

    /// Fails the stream closed.
    fn give_up(&self, why: &str) -> Action {
        log::error!("{}{why}", named::<F>());
        self.reply(&LocalReply::new(500));
        Action::Pause
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
        // Named, because a stream of any filter is meant.
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
        if std::mem::take(&mut state.active) {
            self.shared.world.add_active(-1);
        }
    }

    fn go_on(&self, edits: Edits) {
        edit(MapType::HttpRequestHeaders, &edits.request);
        self.record(&edits.record);
        if !edits.response.is_empty() {
            self.state.borrow_mut().response.extend(edits.response);
        }
    }

    fn reply(&self, reply: &LocalReply) {
        // The answer passes this filter's own response callback; it carries its headers itself.
        self.state.borrow_mut().response.clear();
        self.record(&reply.record);
        let (reason, detail) = match reply.record.noted().last() {
            Some((outcome, detail)) => (self.reason(outcome), detail),
            None => ("", ""),
        };
        let details = format!("mesh_filters.{}{{{reason}{detail}}}", F::NAME);
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

    fn record(&self, record: &Record) {
        if record.is_empty() {
            return;
        }
        let mut state = self.state.borrow_mut();
        for (outcome, detail) in record.noted() {
            self.shared.metrics.count(outcome);
            let reason = self.reason(outcome);
            log::debug!("{}{reason}{detail}", named::<F>());
            if !state.reason.is_empty() {
                state.reason.push(',');
            }
            state.reason.push_str(reason);
            state.reason.push_str(detail);
        }
        if !record.notes.is_empty() {
            let _ = host::set_state(&self.shared.reason_key, state.reason.as_bytes());
        }
        if let Some(claims) = &record.claims {
            let _ = host::set_state(claims::STATE, claims.json());
        }
        for (key, value) in &record.state {
            let _ = host::set_state(key, value);
        }
        for (series, value) in &record.samples {
            let shared = &self.shared;
            shared.metrics.sample(&shared.filter, *series, *value);
        }
        for warning in &record.warnings {
            log::warn!("{}{warning}", named::<F>());
        }
    }

    fn reason(&self, outcome: OutcomeId) -> &str {
        self.shared.reasons.get(outcome).map_or("", String::as_str)
    }
}

impl<F: Filter> Drop for Inner<F> {
    /// The client left, or all is done: nothing of the stream stays behind.
    fn drop(&mut self) {
        let state = self.state.get_mut();
        if state.active {
            self.shared.world.add_active(-1);
        }
        if let Some(token) = state.call {
            self.shared.forget(token);
        }
    }
}

fn edit(map: MapType, edits: &[HeaderEdit]) {
    for change in edits.iter().filter(|change| change.is_safe()) {
        let _ = host::edit_header(map, change);
    }
}
