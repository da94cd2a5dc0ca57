//! Several filters in one module, one after another, as Envoy runs a chain of them.
//!
//! A stage is a filter's place in the chain; 0 is asked first. What a request comes to is decided stage
//! by stage: as long as a filter lets it pass, the next one is asked, and that one sees the request
//! as the ones before it left it. A [`Passage`] is how far a stream has come. Nothing here touches a
//! host: the shell does what is decided, and so do tests and tools.

mod one;
mod passage;

pub use one::One;
pub use passage::{HandedOver, Passage};

use serde_json::Value;

use crate::config::ConfigError;
use crate::decision::{Decision, Record, ResponseEdits, Resume};
use crate::explanation::RuleExplanation;
use crate::filter::{self, BackgroundActions, BackgroundEvent, Exchange, Load, Loaded};
use crate::ids::SeriesId;
use crate::needs::Needs;
use crate::outcome::Outcomes;
use crate::request::{Request, Response};
use crate::statistic::{Gauges, Series};
use crate::world::World;

/// Filters that one module runs, made once from its configuration.
///
/// Each function with a stage is the one of [`Filter`](crate::Filter) with the same name, of the
/// filter there. Of a stage that there is not, nothing is decided.
pub trait Chain: Sized + 'static {
    /// The `root_id` of the module.
    const NAME: &'static str;

    /// What any of its filters may need.
    const NEEDS: Needs;

    /// Whether there can be a filter after another, to which something is handed over.
    const SEVERAL: bool;

    /// What is remembered of one stream, by all of the filters.
    type Memory: Default;

    /// Makes it of a configuration that was parsed before, and may be a part of a larger one. See
    /// [`load_at`](crate::load_at).
    fn load_at(tree: Value, load: &Load<'_>) -> Self;

    /// Bytes → Wire → Config → Policy: all of it or nothing.
    ///
    /// # Errors
    /// Every problem of the configuration, each with the path of its field.
    fn load(bytes: &[u8], world: &dyn World) -> Result<Loaded<Self>, Vec<ConfigError>> {
        filter::load_by(bytes, world, Self::load_at)
    }

    /// What is in force, a filter a stage.
    fn stages(&self) -> &[Stage];

    /// What goes into filter state for other modules and for the access log.
    fn filter_state(&self) -> FilterState {
        FilterState::default()
    }

    /// For the log line that says what is in force.
    fn summary(&self) -> String;

    /// See [`Filter::outcomes`](crate::Filter::outcomes).
    fn outcomes(&self, stage: usize) -> &Outcomes;

    /// See [`Filter::rules`](crate::Filter::rules).
    fn rules(&self, stage: usize) -> Vec<String>;

    /// See [`Filter::explain`](crate::Filter::explain).
    fn explain(&self, stage: usize, request: &Request, world: &dyn World) -> Vec<RuleExplanation>;

    /// See [`Filter::gauges`](crate::Filter::gauges).
    fn gauges(&self, stage: usize) -> &Gauges;

    /// See [`Filter::series`](crate::Filter::series).
    fn series(&self, stage: usize, id: SeriesId) -> Option<Series>;

    /// See [`Filter::on_request`](crate::Filter::on_request).
    fn on_request(
        &self,
        stage: usize,
        request: &Request,
        world: &dyn World,
        memory: &mut Self::Memory,
    ) -> Decision;

    /// See [`Filter::on_resume`](crate::Filter::on_resume).
    fn on_resume(
        &self,
        stage: usize,
        resume: Resume,
        request: &Request,
        world: &dyn World,
        memory: &mut Self::Memory,
    ) -> Decision;

    /// See [`Filter::on_response`](crate::Filter::on_response).
    fn on_response(
        &self,
        stage: usize,
        response: &Response,
        world: &dyn World,
        memory: &mut Self::Memory,
    ) -> ResponseEdits;

    /// See [`Filter::on_end`](crate::Filter::on_end).
    fn on_end(
        &self,
        stage: usize,
        exchange: &Exchange<'_>,
        world: &dyn World,
        memory: &mut Self::Memory,
    ) -> Record;

    /// See [`Filter::background`](crate::Filter::background).
    fn background(
        &self,
        stage: usize,
        event: BackgroundEvent,
        world: &dyn World,
    ) -> BackgroundActions;
}

/// One filter of a loaded chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    /// Its [`Filter::NAME`](crate::Filter::NAME). Two stages of the same name are two parts of one filter:
    /// they share reasons, statistics and filter state.
    pub name: &'static str,
    /// Its [`Filter::NEEDS`](crate::Filter::NEEDS).
    pub needs: Needs,
    /// See [`config::hash`](crate::config::hash): of its own configuration.
    pub hash: u32,
}

/// What goes into filter state. What filters of the same module hand to each other does not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilterState {
    /// Whether verified claims do: `wasm.mesh_filters.claims`.
    pub claims: bool,
    /// Which reasons do: `wasm.mesh_filters.<filter>`.
    pub reasons: Reasons,
}

impl FilterState {
    /// Whether the reason of a decision goes into filter state.
    pub fn has_reason(&self, is_refusal: bool) -> bool {
        is_refusal || self.reasons == Reasons::All
    }
}

impl Default for FilterState {
    fn default() -> Self {
        FilterState {
            claims: true,
            reasons: Reasons::All,
        }
    }
}

crate::words! {
    /// Which reasons go into filter state.
    pub enum Reasons {
        /// Every one.
        All = "all",
        /// Those of requests that a filter answers itself.
        Refusals = "refusals",
    }
}
