//! Istio's Telemetry tags and metrics as a proxy-wasm filter, with a ceiling on everything that
//! would otherwise grow with traffic.

pub mod attribute;
pub mod bound;
pub mod claim;
pub mod clean;
pub mod config;
pub mod expression;
mod flags;
pub mod formatter;
pub mod identity;
pub mod label;
pub mod metric;
pub mod policy;
pub mod standard;
pub mod tag_source;
mod words;

use sdk_helpers::config::Envelope;
use sdk_helpers::explanation::RuleExplanation;
use sdk_helpers::{
    Decision, Edits, Exchange, Filter, Load, Needs, Outcomes, Record, Request, Response,
    ResponseEdits, Series, SeriesId, World,
};

use config::Wire;
use policy::{Memory, Policy};

/// The filter.
#[derive(Debug)]
pub struct TelemetryTags {
    policy: Policy,
}

impl Filter for TelemetryTags {
    const NAME: &'static str = "telemetry-tags";
    const NEEDS: Needs = Needs {
        response_headers: true,
        end: true,
        ..Needs::NOTHING
    };
    type Wire = Wire;
    const ENVELOPE: Envelope = config::ENVELOPE;
    type Memory = Memory;

    fn compile(wire: Wire, load: &Load<'_>) -> Self {
        let policy = Policy::compile(wire.check(&load.at, load.problems));
        for expression in policy.expressions() {
            expression.prepare(load.world, load.problems);
        }
        TelemetryTags { policy }
    }

    fn outcomes(&self) -> &Outcomes {
        self.policy.outcomes()
    }

    /// Tags decide nothing.
    fn rules(&self) -> Vec<String> {
        Vec::new()
    }

    fn explain(&self, _request: &Request, world: &dyn World) -> Vec<RuleExplanation> {
        self.policy.explain(world)
    }

    fn summary(&self) -> String {
        self.policy.summary()
    }

    fn series(&self, id: SeriesId) -> Option<Series> {
        self.policy.series(id)
    }

    fn on_request(&self, request: &Request, world: &dyn World, memory: &mut Memory) -> Decision {
        Decision::Continue(Edits {
            record: self.policy.on_request(request, world, memory),
            ..Edits::default()
        })
    }

    fn on_response(
        &self,
        response: &Response,
        world: &dyn World,
        memory: &mut Memory,
    ) -> ResponseEdits {
        ResponseEdits {
            record: self.policy.on_response(response, world, memory),
            ..ResponseEdits::default()
        }
    }

    fn on_end(&self, exchange: &Exchange<'_>, world: &dyn World, memory: &mut Memory) -> Record {
        self.policy
            .on_end(exchange.request, exchange.response, world, memory)
    }
}
