//! The rings of a filter, and what has to be done for them.

use std::cell::RefCell;
use std::time::Duration;

use sdk_helpers::{Chores, Event, OutcomeId, Outcomes, Timestamp, World};

use crate::policy::{Keyring, RingConfig, Rings};
use crate::remote_jwks::{Fetched, Kind, News, Ring};

/// Keys that come from the network, in the order policies count them.
#[derive(Debug)]
pub(crate) struct Upkeep(Vec<Tended>);

#[derive(Debug)]
struct Tended {
    rule: String,
    ring: RefCell<Ring>,
    fetched: OutcomeId,
    empty: OutcomeId,
    unreachable: OutcomeId,
    status: OutcomeId,
    invalid: OutcomeId,
}

/// The rings as one request asks them.
pub(crate) struct Asked<'a> {
    pub(crate) upkeep: &'a Upkeep,
    pub(crate) world: &'a dyn World,
    /// Until when the request can wait, if it has begun to.
    pub(crate) patience: Option<Timestamp>,
    /// Whether it has waited.
    pub(crate) waited: bool,
    /// Whether it can wait no longer.
    pub(crate) at_its_end: bool,
}

/// Soon after load, but from a callback of the timer's: of what is begun while a configuration is
/// loaded, Envoy drops all that its trial VM began.
const SOON: Duration = Duration::from_millis(1);

const GAUGES: [&str; 3] = ["jwks_age_seconds", "jwks_failures", "jwks_keys"];

impl Upkeep {
    pub(crate) fn new(rings: Vec<RingConfig>, outcomes: &mut Outcomes) -> Self {
        let tend = |config: RingConfig| {
            let mut outcome = |reason| outcomes.add(reason, Some(&config.rule));
            Tended {
                fetched: outcome("jwks_fetched"),
                empty: outcome("jwks_empty"),
                unreachable: outcome("jwks_unreachable"),
                status: outcome("jwks_status"),
                invalid: outcome("jwks_invalid"),
                ring: RefCell::new(Ring::new(config.remote)),
                rule: config.rule,
            }
        };
        Upkeep(rings.into_iter().map(tend).collect())
    }

    /// Of each ring: how old its keys are, how often in a row they could not be fetched, and how
    /// many there are.
    pub(crate) fn gauges(&self) -> Vec<(&'static str, String)> {
        let of = |tended: &Tended| GAUGES.map(|name| (name, tended.rule.clone()));
        self.0.iter().flat_map(of).collect()
    }

    /// Until when a request that begins to wait at `now` can wait for a ring.
    pub(crate) fn deadline(&self, ring: usize, now: Timestamp) -> Timestamp {
        let patience = self
            .0
            .get(ring)
            .map(|tended| tended.ring.borrow().patience());
        now.saturating_add(patience.unwrap_or_default())
    }

    pub(crate) fn run(&self, event: Event, world: &dyn World) -> Chores {
        let mut chores = Chores::default();
        if self.0.is_empty() {
            return chores;
        }
        if let Event::Answer(tag, answer) = &event {
            let answered = self.0.iter().zip(0u32..).find(|(_, index)| index == tag);
            if let Some((tended, index)) = answered {
                let news = tended.ring.borrow_mut().answered(answer, world);
                tended.note(news, index, &mut chores);
            }
        }
        for (tended, index) in self.0.iter().zip(0u32..) {
            let mut ring = tended.ring.borrow_mut();
            match event {
                Event::Loaded => {
                    ring.look(world);
                }
                Event::Due => tended.note(ring.tend(world), index, &mut chores),
                Event::Answer(..) => {}
            }
        }
        let now = world.now();
        for (tended, place) in self.0.iter().zip((0usize..).step_by(GAUGES.len())) {
            let ring = tended.ring.borrow();
            let values = [
                ring.age(now),
                Some(ring.failures().into()),
                Some(ring.size(now) as u64),
            ];
            let places = (place..).zip(values);
            chores
                .gauges
                .extend(places.filter_map(|(place, value)| Some((place, value?))));
        }
        let again = self.0.iter().map(|tended| tended.ring.borrow().again(now));
        chores.again = match event {
            Event::Loaded => Some(SOON),
            _ => again.min(),
        };
        chores
    }
}

impl Tended {
    fn note(&self, news: News, index: u32, chores: &mut Chores) {
        chores.calls.extend(news.call.map(|call| (index, call)));
        chores.wake |= news.changed;
        let Some(fetched) = news.fetched else {
            return;
        };
        let outcome = match fetched {
            Fetched::Keys => self.fetched,
            Fetched::NoKeys => self.empty,
            Fetched::Failed(Kind::Unreachable) => self.unreachable,
            Fetched::Failed(Kind::Status) => self.status,
            Fetched::Failed(Kind::Invalid) => self.invalid,
        };
        chores.outcomes.push(outcome);
        let lines = news.lines.into_iter();
        chores.warnings.extend(lines.map(|line| (outcome, line)));
    }
}

impl Rings for Asked<'_> {
    fn generation(&self, ring: usize, now: Timestamp) -> Option<u32> {
        let ring = self.upkeep.0.get(ring)?.ring.borrow();
        ring.current(now).map(|(_, generation)| generation)
    }

    fn find(&self, ring: usize, kid: Option<&str>, now: Timestamp) -> Keyring {
        let Some(tended) = self.upkeep.0.get(ring) else {
            return Keyring::Nothing;
        };
        let mut ring = tended.ring.borrow_mut();
        let deadline = match self.patience {
            _ if self.at_its_end => None,
            Some(end) => Some(end),
            None => Some(now.saturating_add(ring.patience())),
        };
        ring.find(kid, deadline, self.waited, now, self.world)
    }
}
