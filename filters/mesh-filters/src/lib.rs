//! The five filters in one module, in Istio's order and from one configuration: CUSTOM policies, tokens,
//! DENY and ALLOW policies, rate limits, faults, tags.
//!
//! Each filter is the one that stands alone, down to its names: reasons, statistics and filter state are
//! those of five modules one after another. What they leave each other is handed over in memory.

pub mod config;
mod dispatch;

use authorization_policy::AuthorizationPolicy;
use fault_injection::FaultInjection;
use rate_limit::RateLimit;
use request_authentication::RequestAuthentication;
use sdk_helpers::chain::{Chain, FilterState, Stage};
use sdk_helpers::explanation::RuleExplanation;
use sdk_helpers::{
    BackgroundActions, BackgroundEvent, Decision, Exchange, Filter, Gauges, Load, Needs, Outcomes,
    Record, Request, Response, ResponseEdits, Resume, Series, SeriesId, World,
};
use serde_json::Value;
use telemetry_tags::TelemetryTags;

use dispatch::{filter_at, filter_with_memory};

/// The chain. A filter that is not configured is no stage of it.
#[derive(Debug)]
pub struct MeshFilters {
    filters: Filters,
    /// Which filter each stage is.
    order: Vec<Place>,
    stages: Vec<Stage>,
    filter_state: FilterState,
}

/// Each filter once, but for authorization-policy: its CUSTOM policies decide before a token is looked at.
#[derive(Debug, Default)]
struct Filters {
    custom: Option<AuthorizationPolicy>,
    tokens: Option<RequestAuthentication>,
    policies: Option<AuthorizationPolicy>,
    limits: Option<RateLimit>,
    faults: Option<FaultInjection>,
    tags: Option<TelemetryTags>,
}

/// Which of [`Filters`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Custom,
    Tokens,
    Policies,
    Limits,
    Faults,
    Tags,
}

/// What each filter remembers of a stream.
#[derive(Debug, Default)]
pub struct Memory {
    custom: <AuthorizationPolicy as Filter>::Memory,
    tokens: <RequestAuthentication as Filter>::Memory,
    policies: <AuthorizationPolicy as Filter>::Memory,
    limits: <RateLimit as Filter>::Memory,
    faults: <FaultInjection as Filter>::Memory,
    tags: <TelemetryTags as Filter>::Memory,
}

impl MeshFilters {
    /// The filters whose configurations are parts of its own: the field of each, and its name.
    pub const PARTS: [(&'static str, &'static str); 5] = [
        ("requestAuthentication", RequestAuthentication::NAME),
        ("authorizationPolicy", AuthorizationPolicy::NAME),
        ("rateLimit", RateLimit::NAME),
        ("faultInjection", FaultInjection::NAME),
        ("telemetryTags", TelemetryTags::NAME),
    ];
}

const NOTHING: &Outcomes = &Outcomes::none();

impl Chain for MeshFilters {
    const NAME: &'static str = "mesh-filters";
    const NEEDS: Needs = AuthorizationPolicy::NEEDS
        .and(RequestAuthentication::NEEDS)
        .and(RateLimit::NEEDS)
        .and(FaultInjection::NEEDS)
        .and(TelemetryTags::NEEDS);
    const SEVERAL: bool = true;
    type Memory = Memory;

    fn load_at(tree: Value, load: &Load<'_>) -> Self {
        config::compile(tree, load)
    }

    fn stages(&self) -> &[Stage] {
        &self.stages
    }

    fn filter_state(&self) -> FilterState {
        self.filter_state
    }

    fn summary(&self) -> String {
        let mut all = String::new();
        for (number, stage) in self.stages.iter().enumerate() {
            if number > 0 {
                all.push_str("; ");
            }
            all.push_str(stage.name);
            all.push_str(": ");
            all.push_str(&filter_at!(self, number, filter => filter.summary(), String::new()));
        }
        all
    }

    fn outcomes(&self, stage: usize) -> &Outcomes {
        filter_at!(self, stage, filter => filter.outcomes(), NOTHING)
    }

    fn rules(&self, stage: usize) -> Vec<String> {
        filter_at!(self, stage, filter => filter.rules(), Vec::new())
    }

    fn explain(&self, stage: usize, request: &Request, world: &dyn World) -> Vec<RuleExplanation> {
        filter_at!(self, stage, filter => filter.explain(request, world), Vec::new())
    }

    fn gauges(&self, stage: usize) -> &Gauges {
        filter_at!(self, stage, filter => filter.gauges(), Gauges::none())
    }

    fn series(&self, stage: usize, id: SeriesId) -> Option<Series> {
        filter_at!(self, stage, filter => filter.series(id), None)
    }

    fn on_request(
        &self,
        stage: usize,
        request: &Request,
        world: &dyn World,
        memory: &mut Memory,
    ) -> Decision {
        filter_with_memory!(self, memory, stage,
            (filter, own) => filter.on_request(request, world, own), Decision::pass())
    }

    fn on_resume(
        &self,
        stage: usize,
        resume: Resume,
        request: &Request,
        world: &dyn World,
        memory: &mut Memory,
    ) -> Decision {
        filter_with_memory!(self, memory, stage,
            (filter, own) => filter.on_resume(resume, request, world, own), Decision::pass())
    }

    fn on_response(
        &self,
        stage: usize,
        response: &Response,
        world: &dyn World,
        memory: &mut Memory,
    ) -> ResponseEdits {
        filter_with_memory!(self, memory, stage,
            (filter, own) => filter.on_response(response, world, own), ResponseEdits::default())
    }

    fn on_end(
        &self,
        stage: usize,
        exchange: &Exchange<'_>,
        world: &dyn World,
        memory: &mut Memory,
    ) -> Record {
        filter_with_memory!(self, memory, stage,
            (filter, own) => filter.on_end(exchange, world, own), Record::default())
    }

    fn background(
        &self,
        stage: usize,
        event: BackgroundEvent,
        world: &dyn World,
    ) -> BackgroundActions {
        filter_at!(self, stage, filter => filter.background(event, world), BackgroundActions::default())
    }
}
