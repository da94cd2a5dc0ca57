//! The root context: loads the filter, owns its timer and its calls, and makes streams.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::{Rc, Weak};

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, MapType};

use super::host::{self, Buffer};
use super::metrics::Metrics;
use super::stream::{Inner, Stream};
use super::timers::Timers;
use super::world::EnvoyWorld;
use sdk_helpers::config::ConfigError;
use sdk_helpers::decision::{Answer, Call, Decision, Resume};
use sdk_helpers::filter::{Event, Filter, Loaded, load};
use sdk_helpers::world::World as _;

/// One callback may resume so many streams: each resume that re-enters this VM nests in the one
/// before, and at some 270 Envoy's stack ends, and the VM with it.
const MOST_RESUMES: usize = 64;

/// Calls that the upkeep may start in answer to calls that could not even be sent.
const MOST_CHORES: usize = 64;

pub(super) struct Root<F: Filter> {
    id: u32,
    shared: Option<Rc<Shared<F>>>,
}

/// A loaded filter and what its root context and its streams have in common.
pub(super) struct Shared<F: Filter> {
    pub(super) filter: F,
    pub(super) world: EnvoyWorld,
    pub(super) metrics: Metrics,
    /// The text of each outcome, as it goes to filter state and details.
    pub(super) reasons: Vec<String>,
    /// Filter state of the reason.
    pub(super) reason_key: String,
    root: u32,
    timers: RefCell<Timers<Due<F>>>,
    calls: RefCell<HashMap<u32, Caller<F>>>,
    waiting: RefCell<Vec<Hold<F>>>,
    /// The queue by which this context asks to be run again at once.
    queue: Cell<Option<u32>>,
    /// Which wish of the upkeep still stands.
    upkeep: Cell<u64>,
    /// Whether a stream that waits has asked for the upkeep.
    prompted: Cell<bool>,
}

/// A stream that is held, and which of its holds it is.
pub(super) struct Hold<F: Filter> {
    pub(super) stream: Weak<Inner<F>>,
    pub(super) number: u64,
}

pub(super) enum Due<F: Filter> {
    Delay(Hold<F>, Decision),
    Resume(Hold<F>, Resume),
    Upkeep(u64),
}

enum Caller<F: Filter> {
    Stream(Hold<F>),
    Upkeep(u32),
}

impl<F: Filter> Root<F> {
    pub(super) fn new(id: u32) -> Self {
        Root { id, shared: None }
    }
}

impl<F: Filter> Context for Root<F> {
    fn on_http_call_response(&mut self, token: u32, headers: usize, body: usize, _: usize) {
        if let Some(shared) = &self.shared {
            shared.answered(token, http_answer(headers, body));
        }
    }

    fn on_grpc_call_response(&mut self, token: u32, status: u32, size: usize) {
        if let Some(shared) = &self.shared {
            shared.answered(token, grpc_answer(status, size));
        }
    }
}

impl<F: Filter> RootContext for Root<F> {
    fn on_vm_start(&mut self, _: usize) -> bool {
        // Not while the module is initialized: Envoy allows no host call then.
        proxy_wasm::set_log_level(host::log_level());
        true
    }

    fn on_configure(&mut self, size: usize) -> bool {
        let bytes = match size {
            0 => Vec::new(),
            _ => match host::buffer(Buffer::Configuration, size) {
                Ok(bytes) => bytes,
                Err(host::Refused(status)) => {
                    let name = named::<F>();
                    log::error!("{name}Envoy refused its configuration: status {status}");
                    return false;
                }
            },
        };
        let world = EnvoyWorld::new();
        match load::<F>(&bytes, &world) {
            Ok(loaded) => {
                let Loaded {
                    filter,
                    warnings,
                    hash,
                } = loaded;
                // From here on it is in force: what tells of it, gauges first, comes no earlier.
                let shared = Rc::new(Shared::new(self.id, filter, world));
                shared.metrics.in_force(hash);
                shared.announce(warnings, hash);
                self.shared = Some(Rc::clone(&shared));
                shared.chores(Event::Loaded);
                true
            }
            Err(errors) => refused::<F>(errors),
        }
    }

    fn on_tick(&mut self) {
        if let Some(shared) = &self.shared {
            shared.run_due();
        }
    }

    fn on_queue_ready(&mut self, queue: u32) {
        while host::dequeue(queue).is_ok() {}
        if let Some(shared) = &self.shared {
            shared.run_due();
        }
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        Some(match &self.shared {
            Some(shared) => Box::new(Stream::new(id, Rc::clone(shared))),
            None => Box::new(Unconfigured),
        })
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

fn refused<F: Filter>(errors: Vec<ConfigError>) -> bool {
    let name = named::<F>();
    for error in errors {
        log::error!("{name}{error}");
    }
    false
}

/// What a log line begins with, so that the filter's name stands before it, once: Envoy begins it
/// with the plugin's name, `root_id` and `vm_id`, of which the last is the filter's as a rule.
pub(super) fn named<F: Filter>() -> String {
    let ids = ["plugin_vm_id", "plugin_root_id", "plugin_name"];
    let mut ids = ids.iter().filter_map(|id| host::property(&[id]).ok());
    let last = ids.find(|id| !id.is_empty());
    match last.as_deref() == Some(F::NAME.as_bytes()) {
        true => String::new(),
        false => [F::NAME, ": "].concat(),
    }
}

impl<F: Filter> Shared<F> {
    fn new(root: u32, filter: F, world: EnvoyWorld) -> Self {
        let metrics = Metrics::define(&filter);
        world.set_active(metrics.active);
        Shared {
            metrics,
            reasons: filter.outcomes().iter().map(ToString::to_string).collect(),
            reason_key: format!("mesh_filters.{}", F::NAME),
            filter,
            world,
            root,
            timers: RefCell::new(Timers::new()),
            calls: RefCell::new(HashMap::new()),
            waiting: RefCell::new(Vec::new()),
            queue: Cell::new(None),
            upkeep: Cell::new(0),
            prompted: Cell::new(false),
        }
    }

    /// Every VM of the process configures itself; one of them says so.
    fn announce(&self, warnings: Vec<ConfigError>, hash: u32) {
        let mut first = false;
        let _ = self.world.update(
            &format!("mesh_filters.{}.configured", F::NAME),
            &mut |said| {
                first = said != Some(&hash.to_le_bytes());
                first.then(|| hash.to_le_bytes().to_vec())
            },
        );
        if first {
            let name = named::<F>();
            for warning in warnings {
                log::warn!("{name}{warning}");
            }
            let summary = self.filter.summary();
            log::info!("{name}configured: {summary}, config_hash {hash}");
        }
    }

    /// Sends a stream's call; none if it could not be sent, else the token its answer comes under.
    pub(super) fn ask(&self, call: &Call, hold: Hold<F>) -> Option<u32> {
        self.send(call, Caller::Stream(hold))
    }

    fn send(&self, call: &Call, caller: Caller<F>) -> Option<u32> {
        let token = dispatch(call)?;
        self.calls.borrow_mut().insert(token, caller);
        Some(token)
    }

    /// Forgets a call whose stream is gone.
    pub(super) fn forget(&self, token: u32) {
        self.calls.borrow_mut().remove(&token);
    }

    pub(super) fn answered(self: &Rc<Self>, token: u32, answer: Answer) {
        let caller = self.calls.borrow_mut().remove(&token);
        match caller {
            Some(Caller::Stream(hold)) => {
                self.with(hold, |stream| stream.resume(Resume::Answer(answer)));
                self.turn_back();
            }
            Some(Caller::Upkeep(tag)) => self.chores(Event::Answer(tag, answer)),
            None => {}
        }
    }

    pub(super) fn at(&self, by: std::time::Duration, due: Due<F>) {
        self.timers.borrow_mut().push(by, due);
    }

    /// Holds a stream until the upkeep wakes it, and asks the upkeep soon: from a callback of the
    /// root's own, because a call that the upkeep makes must outlive the stream.
    pub(super) fn wait(&self, hold: Hold<F>) {
        let mut waiting = self.waiting.borrow_mut();
        waiting.retain(|hold| hold.stream.strong_count() > 0);
        waiting.push(hold);
        // Those who begin to wait before it is asked are all in that one question.
        if !self.prompted.replace(true) {
            self.at(std::time::Duration::ZERO, Due::Upkeep(self.upkeep.get()));
            self.run_again();
        }
    }

    /// Does what is due. What is left over after [`MOST_RESUMES`] runs from a callback of its own,
    /// without waiting for the grain of a timer.
    fn run_due(self: &Rc<Self>) {
        let (due, more) = self.timers.borrow_mut().take_due(MOST_RESUMES);
        for due in due {
            match due {
                Due::Delay(hold, then) => self.with(hold, |stream| stream.end_delay(then)),
                Due::Resume(hold, why) => self.with(hold, |stream| stream.resume(why)),
                Due::Upkeep(wish) if wish == self.upkeep.get() => {
                    self.turn_back();
                    self.chores(Event::Due);
                }
                Due::Upkeep(_) => {}
            }
        }
        self.turn_back();
        if more {
            self.run_again();
        }
    }

    /// Acts on a stream that is still there and still in this hold, and leaves it addressed.
    fn with(&self, hold: Hold<F>, act: impl FnOnce(&Rc<Inner<F>>)) {
        if let Some(stream) = hold.stream.upgrade()
            && stream.is_held(hold.number)
            && host::set_context(stream.id).is_ok()
        {
            act(&stream);
        }
    }

    /// Addresses what follows to the root again.
    fn turn_back(&self) {
        let _ = host::set_context(self.root);
    }

    fn run_again(&self) {
        let queue = self.queue.get().or_else(|| {
            // A name of its own, so that no other VM takes the queue over.
            let name = format!("mesh_filters.{}.{:x}", F::NAME, self.world.unique());
            host::register_queue(&name).ok()
        });
        self.queue.set(queue);
        // Without a queue the timer, armed for now, does it a millisecond later.
        if let Some(queue) = queue {
            let _ = host::enqueue(queue);
        }
    }

    fn chores(self: &Rc<Self>, event: Event) {
        self.prompted.set(false);
        let mut events = VecDeque::from([event]);
        for _ in 0..MOST_CHORES {
            let Some(event) = events.pop_front() else {
                return;
            };
            let chores = self.filter.upkeep(event, &self.world);
            for (tag, call) in chores.calls {
                if self.send(&call, Caller::Upkeep(tag)).is_none() {
                    events.push_back(Event::Answer(tag, Answer::Unsent));
                }
            }
            for outcome in chores.outcomes {
                self.metrics.count(outcome);
            }
            for (outcome, text) in chores.warnings {
                let reason = self.reasons.get(outcome.index()).map_or("", String::as_str);
                log::warn!("{}{reason}: {text}", named::<F>());
            }
            for (gauge, value) in chores.gauges {
                self.metrics.set(gauge, value);
            }
            if let Some(again) = chores.again {
                self.upkeep.set(self.upkeep.get().wrapping_add(1));
                self.at(again, Due::Upkeep(self.upkeep.get()));
            }
            if chores.wake {
                for hold in self.waiting.take() {
                    self.at(std::time::Duration::ZERO, Due::Resume(hold, Resume::Woken));
                }
            }
        }
    }
}

fn dispatch(call: &Call) -> Option<u32> {
    match call {
        Call::Http {
            cluster,
            headers,
            body,
            timeout,
        } => host::http_call(cluster, headers, body, *timeout),
        Call::Grpc {
            cluster,
            service,
            method,
            metadata,
            message,
            timeout,
        } => host::grpc_call(cluster, service, method, metadata, message, *timeout),
    }
}

pub(super) fn http_answer(headers: usize, body: usize) -> Answer {
    // No headers at all: the connection broke in the middle, or the body was too large.
    if headers == 0 {
        return Answer::Failed;
    }
    Answer::Http {
        headers: host::headers(MapType::HttpCallResponseHeaders),
        body: host::buffer(Buffer::HttpCallBody, body).unwrap_or_default(),
    }
}

pub(super) fn grpc_answer(status: u32, size: usize) -> Answer {
    let message = match status {
        0 => host::buffer(Buffer::GrpcMessage, size).unwrap_or_default(),
        _ => Vec::new(),
    };
    Answer::Grpc { status, message }
}

/// A stream of a plugin that never got its configuration. Envoy makes none; should it ever, nothing
/// passes.
struct Unconfigured;

impl Context for Unconfigured {}

impl HttpContext for Unconfigured {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let _ = host::send_reply(503, "mesh_filters{unconfigured}", b"", &[], None);
        Action::Pause
    }
}
