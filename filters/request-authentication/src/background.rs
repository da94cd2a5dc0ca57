//! What the filter does between requests: it keeps the keys that are fetched.

use std::cell::RefCell;
use std::time::Duration;

use sdk_helpers::{
    BackgroundActions, BackgroundEvent, GaugeId, Gauges, OutcomeId, Outcomes, Timestamp, World,
};

use crate::policy::{KeyLookup, RemoteJwksConfig, RemoteKeys};
use crate::remote_jwks::{FailureKind, FetchResult, Fetched, RemoteJwks};

/// Every remote JWKS, in the order of [`Policy::compile`](crate::policy::Policy::compile).
#[derive(Debug)]
pub(crate) struct Background {
    all: Vec<RuleJwks>,
    gauges: Gauges,
}

/// A remote JWKS, and what is counted of its fetches.
#[derive(Debug)]
struct RuleJwks {
    jwks: RefCell<RemoteJwks>,
    fetched: OutcomeId,
    empty: OutcomeId,
    unreachable: OutcomeId,
    status: OutcomeId,
    invalid: OutcomeId,
    /// How old its keys are.
    age: GaugeId,
    /// How often in a row they could not be fetched.
    failures: GaugeId,
    /// How many there are.
    keys: GaugeId,
}

/// The remote keys as one request finds them.
pub(crate) struct RequestKeys<'a> {
    pub(crate) background: &'a Background,
    pub(crate) world: &'a dyn World,
    /// Until when the request can wait, if it has begun to.
    pub(crate) wait_deadline: Option<Timestamp>,
    /// Whether it has waited.
    pub(crate) waited: bool,
    /// Whether it can wait no longer.
    pub(crate) timed_out: bool,
}

/// Soon after load, but from a callback of the timer's: of what is begun while a configuration is
/// loaded, Envoy drops all that its trial VM began.
const SOON: Duration = Duration::from_millis(1);

impl Background {
    pub(crate) fn new(remotes: Vec<RemoteJwksConfig>, outcomes: &mut Outcomes) -> Self {
        let mut gauges = Gauges::default();
        let add = |config: RemoteJwksConfig| {
            let mut outcome = |reason| outcomes.add(reason, Some(&config.rule));
            RuleJwks {
                fetched: outcome("jwks_fetched"),
                empty: outcome("jwks_empty"),
                unreachable: outcome("jwks_unreachable"),
                status: outcome("jwks_status"),
                invalid: outcome("jwks_invalid"),
                age: gauges.add("jwks_age_seconds", &config.rule),
                failures: gauges.add("jwks_failures", &config.rule),
                keys: gauges.add("jwks_keys", &config.rule),
                jwks: RefCell::new(RemoteJwks::new(config.remote)),
            }
        };
        let all = remotes.into_iter().map(add).collect();
        Background { all, gauges }
    }

    pub(crate) fn gauges(&self) -> &Gauges {
        &self.gauges
    }

    /// Until when a request that begins to wait at `now` can wait for a remote JWKS.
    pub(crate) fn deadline(&self, index: usize, now: Timestamp) -> Timestamp {
        let longest = self
            .all
            .get(index)
            .map(|one| one.jwks.borrow().longest_wait());
        now.saturating_add(longest.unwrap_or_default())
    }

    pub(crate) fn run(&self, event: BackgroundEvent, world: &dyn World) -> BackgroundActions {
        let mut actions = BackgroundActions::default();
        if self.all.is_empty() {
            return actions;
        }
        if let BackgroundEvent::Answered(tag, answer) = &event {
            let answered = self.all.iter().zip(0u32..).find(|(_, index)| index == tag);
            if let Some((one, index)) = answered {
                let result = one.jwks.borrow_mut().answered(answer, world);
                one.note(result, index, &mut actions);
            }
        }
        for (one, index) in self.all.iter().zip(0u32..) {
            let mut jwks = one.jwks.borrow_mut();
            match event {
                BackgroundEvent::Loaded => {
                    jwks.read_shared(world);
                }
                BackgroundEvent::TimerFired => one.note(jwks.poll(world), index, &mut actions),
                BackgroundEvent::Answered(..) => {}
            }
        }
        let now = world.now();
        for one in &self.all {
            let jwks = one.jwks.borrow();
            actions
                .gauges
                .extend(jwks.age(now).map(|age| (one.age, age)));
            actions.gauges.push((one.failures, jwks.failures().into()));
            actions.gauges.push((one.keys, jwks.size(now) as u64));
        }
        let next = self.all.iter().map(|one| one.jwks.borrow().again(now));
        actions.timer = match event {
            BackgroundEvent::Loaded => Some(SOON),
            _ => next.min(),
        };
        actions
    }
}

impl RuleJwks {
    fn note(&self, result: FetchResult, index: u32, actions: &mut BackgroundActions) {
        actions.calls.extend(result.call.map(|call| (index, call)));
        actions.wake |= result.changed;
        let Some(fetched) = result.fetched else {
            return;
        };
        let outcome = match fetched {
            Fetched::Keys => self.fetched,
            Fetched::NoKeys => self.empty,
            Fetched::Failed(FailureKind::Unreachable) => self.unreachable,
            Fetched::Failed(FailureKind::Status) => self.status,
            Fetched::Failed(FailureKind::Invalid) => self.invalid,
        };
        actions.outcomes.push(outcome);
        let lines = result.lines.into_iter();
        actions.warnings.extend(lines.map(|line| (outcome, line)));
    }
}

impl RemoteKeys for RequestKeys<'_> {
    fn generation(&self, index: usize, now: Timestamp) -> Option<u32> {
        let jwks = self.background.all.get(index)?.jwks.borrow();
        jwks.current(now).map(|(_, generation)| generation)
    }

    fn find(&self, index: usize, kid: Option<&str>, now: Timestamp) -> KeyLookup {
        let Some(one) = self.background.all.get(index) else {
            return KeyLookup::None;
        };
        let mut jwks = one.jwks.borrow_mut();
        let deadline = match self.wait_deadline {
            _ if self.timed_out => None,
            Some(end) => Some(end),
            None => Some(now.saturating_add(jwks.longest_wait())),
        };
        jwks.find(kid, deadline, self.waited, now, self.world)
    }
}
