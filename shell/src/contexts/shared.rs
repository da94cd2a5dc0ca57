//! What the root context and its streams have in common: the loaded filter, its timer, its calls,
//! and the streams that are paused.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::{Rc, Weak};
use std::time::Duration;

use super::calls::dispatch;
use super::host;
use super::log_name::named;
use super::metrics::Metrics;
use super::timers::Timers;
use super::world::EnvoyWorld;
use sdk_helpers::config::ConfigError;
use sdk_helpers::decision::{Call, CallResult, Decision, Resume};
use sdk_helpers::filter::{BackgroundEvent, Filter};
use sdk_helpers::ids::{ById, OutcomeId};
use sdk_helpers::world::World as _;

/// One callback may resume so many streams: each resume that re-enters this VM nests in the one
/// before, and at some 270 Envoy's stack ends, and the VM with it.
const MOST_RESUMES: usize = 64;

/// How often in a row [`Filter::background`] may want a call that cannot even be sent.
const MOST_FAILED_CALLS: usize = 64;

/// A loaded filter and what its root context and its streams have in common.
pub(super) struct Shared<F: Filter> {
    pub(super) filter: F,
    pub(super) world: EnvoyWorld,
    pub(super) metrics: Metrics,
    /// The text of each outcome, as it goes to filter state and details.
    pub(super) reasons: ById<OutcomeId, String>,
    /// Filter state of the reason.
    pub(super) reason_key: String,
    root: u32,
    timers: RefCell<Timers<Due>>,
    calls: RefCell<HashMap<u32, Caller>>,
    waiting: RefCell<Vec<Paused>>,
    /// The queue by which this context asks to be run again at once.
    queue: Cell<Option<u32>>,
    /// Bumped when the timer of the background is set; one that fires with an older number is ignored.
    timer_generation: Cell<u64>,
    /// Whether a stream that waits has asked for the background.
    background_asked: Cell<bool>,
}

/// A stream that can be paused, as seen by what resumes it.
pub(super) trait PausedStream {
    /// Its context.
    fn id(&self) -> u32;

    /// Bumped at each pause and at each resume.
    fn generation(&self) -> u64;

    /// Asks the filter again; the stream is the effective context.
    fn resume(self: Rc<Self>, why: Resume);

    /// Does what was decided for the end of a delay; the stream is the effective context.
    fn end_delay(self: Rc<Self>, then: Decision);
}

/// One pause of a stream: what comes for an older generation than the stream's is ignored.
pub(super) struct Paused {
    pub(super) stream: Weak<dyn PausedStream>,
    pub(super) generation: u64,
}

/// What is done when its time has come.
pub(super) enum Due {
    EndDelay(Paused, Decision),
    Resume(Paused, Resume),
    /// The timer of the background, as it was set in this generation.
    Background(u64),
}

/// Who waits for what comes of a call.
enum Caller {
    Stream(Paused),
    /// [`Filter::background`], by the tag of its call.
    Background(u32),
}

impl<F: Filter> Shared<F> {
    pub(super) fn new(root: u32, filter: F, world: EnvoyWorld) -> Self {
        let metrics = Metrics::define(&filter);
        world.set_active(metrics.active);
        Shared {
            metrics,
            reasons: filter.outcomes().map(ToString::to_string),
            reason_key: format!("mesh_filters.{}", F::NAME),
            filter,
            world,
            root,
            timers: RefCell::new(Timers::new()),
            calls: RefCell::new(HashMap::new()),
            waiting: RefCell::new(Vec::new()),
            queue: Cell::new(None),
            timer_generation: Cell::new(0),
            background_asked: Cell::new(false),
        }
    }

    /// Every VM of the process configures itself; one of them says so.
    pub(super) fn announce(&self, warnings: Vec<ConfigError>, hash: u32) {
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

    /// Sends a stream's call; the token that its result comes under, or none if it could not be sent.
    pub(super) fn ask(&self, call: &Call, stream: Paused) -> Option<u32> {
        self.send(call, Caller::Stream(stream))
    }

    fn send(&self, call: &Call, caller: Caller) -> Option<u32> {
        let token = dispatch::<F>(call)?;
        self.calls.borrow_mut().insert(token, caller);
        Some(token)
    }

    /// Forgets a call whose stream is gone.
    pub(super) fn forget(&self, token: u32) {
        self.calls.borrow_mut().remove(&token);
    }

    /// Tells whoever called what came of it. If its stream is gone nobody asks.
    pub(super) fn answered(&self, token: u32, result: impl FnOnce() -> CallResult) {
        let caller = self.calls.borrow_mut().remove(&token);
        match caller {
            Some(Caller::Stream(paused)) => {
                let result = result();
                with(&paused, |stream| stream.resume(Resume::Answered(result)));
                self.turn_back();
            }
            Some(Caller::Background(tag)) => {
                self.background(BackgroundEvent::Answered(tag, result()));
            }
            None => {}
        }
    }

    /// Has something done after this time.
    pub(super) fn after(&self, time: Duration, due: Due) {
        self.timers.borrow_mut().push(time, due);
    }

    /// Pauses a stream until the background wakes it, and runs the background soon: from a callback of
    /// the root's own, because a call that the background makes must outlive the stream.
    pub(super) fn wait(&self, stream: Paused) {
        let mut waiting = self.waiting.borrow_mut();
        waiting.retain(|paused| paused.stream.strong_count() > 0);
        waiting.push(stream);
        // Once for all that begin to wait before it runs.
        if !self.background_asked.replace(true) {
            let generation = self.timer_generation.get();
            self.after(Duration::ZERO, Due::Background(generation));
            self.run_again();
        }
    }

    /// Does what is due. What is left over after [`MOST_RESUMES`] runs from a callback of its own,
    /// without waiting for the grain of a timer.
    pub(super) fn run_due(&self) {
        let (due, more) = self.timers.borrow_mut().take_due(MOST_RESUMES);
        for due in due {
            match due {
                Due::EndDelay(paused, then) => with(&paused, |stream| stream.end_delay(then)),
                Due::Resume(paused, why) => with(&paused, |stream| stream.resume(why)),
                Due::Background(generation) if generation == self.timer_generation.get() => {
                    self.turn_back();
                    self.background(BackgroundEvent::TimerFired);
                }
                Due::Background(_) => {}
            }
        }
        self.turn_back();
        if more {
            self.run_again();
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

    /// Runs the background and does what it wants done.
    pub(super) fn background(&self, event: BackgroundEvent) {
        self.background_asked.set(false);
        let mut events = VecDeque::from([event]);
        for _ in 0..MOST_FAILED_CALLS {
            let Some(event) = events.pop_front() else {
                return;
            };
            let actions = self.filter.background(event, &self.world);
            if let Err(beyond) = F::NEEDS.check_background(&actions) {
                log::error!("{}in the background {beyond}", named::<F>());
                return;
            }
            for (tag, call) in actions.calls {
                if self.send(&call, Caller::Background(tag)).is_none() {
                    events.push_back(BackgroundEvent::Answered(tag, CallResult::Unsent));
                }
            }
            for outcome in actions.outcomes {
                self.metrics.count(outcome);
            }
            for (outcome, text) in actions.warnings {
                let reason = self.reasons.get(outcome).map_or("", String::as_str);
                log::warn!("{}{reason}: {text}", named::<F>());
            }
            for (gauge, value) in actions.gauges {
                self.metrics.set(gauge, value);
            }
            if F::NEEDS.background
                && let Some(time) = actions.timer
            {
                let generation = self.timer_generation.get().wrapping_add(1);
                self.timer_generation.set(generation);
                self.after(time, Due::Background(generation));
            }
            if F::NEEDS.waits && actions.wake {
                for paused in self.waiting.take() {
                    self.after(Duration::ZERO, Due::Resume(paused, Resume::Woken));
                }
            }
        }
    }
}

/// Acts on a stream that is still there and still in this pause, and leaves it addressed.
fn with(paused: &Paused, act: impl FnOnce(Rc<dyn PausedStream>)) {
    if let Some(stream) = paused.stream.upgrade()
        && stream.generation() == paused.generation
        && host::set_context(stream.id()).is_ok()
    {
        act(stream);
    }
}
