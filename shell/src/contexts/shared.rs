//! What the root context and its streams have in common: the loaded chain, its timer, its calls,
//! and the streams that are paused. One timer and one queue serve all filters of it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use std::time::Duration;

use super::calls::dispatch;
use super::host;
use super::log_name::named;
use super::metrics::InForce;
use super::stage::StageContext;
use super::timers::Timers;
use super::world::EnvoyWorld;
use crate::by_number::ByNumber;
use sdk_helpers::chain::Chain;
use sdk_helpers::config::ConfigError;
use sdk_helpers::decision::{Call, CallResult, Decision, Resume};
use sdk_helpers::filter::BackgroundEvent;
use sdk_helpers::world::World as _;

/// One callback may resume so many streams: each resume that re-enters this VM nests in the one
/// before, and at some 270 Envoy's stack ends, and the VM with it.
const MOST_RESUMES: usize = 64;

/// How often in a row `Filter::background` may want a call that cannot even be sent.
const MOST_FAILED_CALLS: usize = 64;

/// A loaded chain and what its root context and its streams have in common.
pub(super) struct Shared<C: Chain> {
    pub(super) chain: C,
    world: EnvoyWorld,
    stages: Vec<StageContext>,
    /// The module's own, where it is not named as its one filter is.
    in_force: Option<InForce>,
    root: u32,
    timers: RefCell<Timers<Due>>,
    calls: RefCell<ByNumber<Caller>>,
    /// The queue by which this context asks to be run again at once.
    queue: Cell<Option<u32>>,
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
    /// The timer of a filter's background, as it was set in this generation.
    Background(usize, u64),
}

/// Who waits for what comes of a call.
enum Caller {
    Stream(Paused),
    /// `Filter::background` of this filter, by the tag of its call.
    Background(usize, u32),
}

impl<C: Chain> Shared<C> {
    pub(super) fn new(root: u32, chain: C, hash: u32, world: EnvoyWorld) -> Self {
        let stages = chain.stages().iter().enumerate();
        Shared {
            stages: stages
                .map(|(stage, of)| StageContext::new(&chain, stage, of))
                .collect(),
            in_force: C::SEVERAL.then(|| InForce::define(C::NAME, hash)),
            chain,
            world,
            root,
            timers: RefCell::new(Timers::new()),
            calls: RefCell::new(ByNumber::new()),
            queue: Cell::new(None),
        }
    }

    /// What is kept for each filter, with its place.
    pub(super) fn stages(&self) -> impl Iterator<Item = (usize, &StageContext)> {
        self.stages.iter().enumerate()
    }

    /// What is kept for the filter there.
    pub(super) fn stage(&self, stage: usize) -> Option<&StageContext> {
        self.stages.get(stage)
    }

    /// The chain is in force from here on: says so, and begins with what belongs to no stream.
    pub(super) fn begin(&self) {
        for metrics in self.stages.iter().map(|stage| &stage.metrics) {
            metrics.in_force();
        }
        if let Some(in_force) = &self.in_force {
            in_force.set();
        }
        for stage in 0..self.stages.len() {
            self.background(stage, BackgroundEvent::Loaded);
        }
    }

    /// Counts a stream no longer as delayed, where this filter delayed it.
    pub(super) fn end_delay(&self, active: Option<usize>) {
        if let Some(context) = active.and_then(|stage| self.stage(stage)) {
            context.world.add_active(-1);
        }
    }

    /// Every VM of the process configures itself; one of them says so.
    pub(super) fn announce(&self, warnings: Vec<ConfigError>, hash: u32) {
        let mut first = false;
        let _ = self.world.update(
            &format!("mesh_filters.{}.configured", C::NAME),
            &mut |said| {
                first = said != Some(&hash.to_le_bytes());
                first.then(|| hash.to_le_bytes().to_vec())
            },
        );
        if first {
            let name = named::<C>(C::NAME);
            for warning in warnings {
                log::warn!("{name}{warning}");
            }
            let summary = self.chain.summary();
            log::info!("{name}configured: {summary}, config_hash {hash}");
        }
    }

    /// Sends a stream's call; the token that its result comes under, or none if it could not be sent.
    pub(super) fn ask(&self, call: &Call, stream: Paused) -> Option<u32> {
        self.send(call, Caller::Stream(stream))
    }

    fn send(&self, call: &Call, caller: Caller) -> Option<u32> {
        let token = dispatch::<C>(call)?;
        self.calls.borrow_mut().insert(token, caller);
        Some(token)
    }

    /// Forgets a call whose stream is gone.
    pub(super) fn forget(&self, token: u32) {
        self.calls.borrow_mut().remove(token);
    }

    /// Tells whoever called what came of it. If its stream is gone nobody asks.
    pub(super) fn answered(&self, token: u32, result: impl FnOnce() -> CallResult) {
        let caller = self.calls.borrow_mut().remove(token);
        match caller {
            Some(Caller::Stream(paused)) => {
                let result = result();
                with(&paused, |stream| stream.resume(Resume::Answered(result)));
                self.turn_back();
            }
            Some(Caller::Background(stage, tag)) => {
                self.background(stage, BackgroundEvent::Answered(tag, result()));
            }
            None => {}
        }
    }

    /// Has something done after this time.
    pub(super) fn after(&self, time: Duration, due: Due) {
        self.timers.borrow_mut().push(time, due);
    }

    /// Pauses a stream until the background of this filter wakes it, and runs the background soon: from
    /// a callback of the root's own, because a call that the background makes must outlive the stream.
    pub(super) fn wait(&self, stage: usize, stream: Paused) {
        let Some(context) = self.stage(stage) else {
            return;
        };
        let mut waiting = context.waiting.borrow_mut();
        waiting.retain(|paused| paused.stream.strong_count() > 0);
        waiting.push(stream);
        // Once for all that begin to wait before it runs.
        if !context.background_asked.replace(true) {
            let generation = context.timer_generation.get();
            self.after(Duration::ZERO, Due::Background(stage, generation));
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
                Due::Background(stage, generation) => {
                    let is_set =
                        |context: &StageContext| context.timer_generation.get() == generation;
                    if self.stage(stage).is_some_and(is_set) {
                        self.turn_back();
                        self.background(stage, BackgroundEvent::TimerFired);
                    }
                }
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
            let name = format!("mesh_filters.{}.{:x}", C::NAME, self.world.unique());
            host::register_queue(&name).ok()
        });
        self.queue.set(queue);
        // Without a queue the timer, armed for now, does it a millisecond later.
        if let Some(queue) = queue {
            let _ = host::enqueue(queue);
        }
    }

    /// Runs the background of a filter and does what it wants done.
    fn background(&self, stage: usize, event: BackgroundEvent) {
        let Some(context) = self.stage(stage) else {
            return;
        };
        context.background_asked.set(false);
        let mut events = VecDeque::from([event]);
        for _ in 0..MOST_FAILED_CALLS {
            let Some(event) = events.pop_front() else {
                return;
            };
            let actions = self.chain.background(stage, event, &context.world);
            if let Err(beyond) = C::NEEDS.check_background(&actions) {
                log::error!("{}in the background {beyond}", named::<C>(context.name));
                return;
            }
            for (tag, call) in actions.calls {
                if self.send(&call, Caller::Background(stage, tag)).is_none() {
                    events.push_back(BackgroundEvent::Answered(tag, CallResult::Unsent));
                }
            }
            for outcome in actions.outcomes {
                context.metrics.count(outcome);
            }
            for (outcome, text) in actions.warnings {
                let reason = context.reason(outcome);
                log::warn!("{}{reason}: {text}", named::<C>(context.name));
            }
            for (gauge, value) in actions.gauges {
                context.metrics.set(gauge, value);
            }
            if C::NEEDS.background
                && let Some(time) = actions.timer
            {
                let generation = context.timer_generation.get().wrapping_add(1);
                context.timer_generation.set(generation);
                self.after(time, Due::Background(stage, generation));
            }
            if C::NEEDS.waits && actions.wake {
                for paused in context.waiting.take() {
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
