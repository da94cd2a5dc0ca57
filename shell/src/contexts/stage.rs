//! What the shell keeps for one filter of a chain.

use std::cell::{Cell, RefCell};

use super::metrics::Metrics;
use super::shared::Paused;
use super::world::EnvoyWorld;
use sdk_helpers::chain::{Chain, Stage};
use sdk_helpers::ids::{ById, OutcomeId};
use sdk_helpers::needs::Needs;

pub(super) struct StageContext {
    /// Its place.
    pub(super) stage: usize,
    /// The filter's.
    pub(super) name: &'static str,
    pub(super) needs: Needs,
    pub(super) world: EnvoyWorld,
    pub(super) metrics: Metrics,
    /// Filter state of the reason.
    pub(super) reason_key: String,
    /// The text of each outcome, as it goes to filter state and details.
    reasons: ById<OutcomeId, String>,
    pub(super) waiting: RefCell<Vec<Paused>>,
    /// Bumped when the timer of the background is set; one that fires with an older number is ignored.
    pub(super) timer_generation: Cell<u64>,
    /// Whether a stream that waits has asked for the background.
    pub(super) background_asked: Cell<bool>,
}

impl StageContext {
    pub(super) fn new<C: Chain>(chain: &C, stage: usize, of: &Stage) -> Self {
        let metrics = Metrics::define(chain, stage, of);
        let world = EnvoyWorld::new();
        world.set_active(metrics.active);
        StageContext {
            stage,
            name: of.name,
            needs: of.needs,
            world,
            metrics,
            reason_key: ["mesh_filters.", of.name].concat(),
            reasons: chain.outcomes(stage).map(ToString::to_string),
            waiting: RefCell::new(Vec::new()),
            timer_generation: Cell::new(0),
            background_asked: Cell::new(false),
        }
    }

    pub(super) fn reason(&self, outcome: OutcomeId) -> &str {
        self.reasons.get(outcome).map_or("", String::as_str)
    }
}
