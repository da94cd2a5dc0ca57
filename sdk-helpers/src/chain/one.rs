//! A filter by itself.

use std::slice;

use serde_json::Value;

use super::{Chain, Stage};
use crate::config::hash;
use crate::decision::{Decision, Record, ResponseEdits, Resume};
use crate::explanation::RuleExplanation;
use crate::filter::{self, BackgroundActions, BackgroundEvent, Exchange, Filter, Load};
use crate::ids::SeriesId;
use crate::needs::Needs;
use crate::outcome::Outcomes;
use crate::request::{Request, Response};
use crate::statistic::{Gauges, Series};
use crate::world::World;

/// The chain that is one filter.
#[derive(Debug)]
pub struct One<F> {
    filter: F,
    stage: Stage,
}

impl<F: Filter> Chain for One<F> {
    const NAME: &'static str = F::NAME;
    const NEEDS: Needs = F::NEEDS;
    const SEVERAL: bool = false;
    type Memory = F::Memory;

    fn load_at(tree: Value, load: &Load<'_>) -> Self {
        let stage = Stage {
            name: F::NAME,
            needs: F::NEEDS,
            hash: hash(&tree),
        };
        let filter = filter::load_at::<F>(tree, load);
        One { filter, stage }
    }

    fn stages(&self) -> &[Stage] {
        slice::from_ref(&self.stage)
    }

    fn summary(&self) -> String {
        self.filter.summary()
    }

    fn outcomes(&self, _: usize) -> &Outcomes {
        self.filter.outcomes()
    }

    fn rules(&self, _: usize) -> Vec<String> {
        self.filter.rules()
    }

    fn explain(&self, _: usize, request: &Request, world: &dyn World) -> Vec<RuleExplanation> {
        self.filter.explain(request, world)
    }

    fn gauges(&self, _: usize) -> &Gauges {
        self.filter.gauges()
    }

    fn series(&self, _: usize, id: SeriesId) -> Option<Series> {
        self.filter.series(id)
    }

    fn on_request(
        &self,
        _: usize,
        request: &Request,
        world: &dyn World,
        memory: &mut F::Memory,
    ) -> Decision {
        self.filter.on_request(request, world, memory)
    }

    fn on_resume(
        &self,
        _: usize,
        resume: Resume,
        request: &Request,
        world: &dyn World,
        memory: &mut F::Memory,
    ) -> Decision {
        self.filter.on_resume(resume, request, world, memory)
    }

    fn on_response(
        &self,
        _: usize,
        response: &Response,
        world: &dyn World,
        memory: &mut F::Memory,
    ) -> ResponseEdits {
        self.filter.on_response(response, world, memory)
    }

    fn on_end(
        &self,
        _: usize,
        exchange: &Exchange<'_>,
        world: &dyn World,
        memory: &mut F::Memory,
    ) -> Record {
        self.filter.on_end(exchange, world, memory)
    }

    fn background(&self, _: usize, event: BackgroundEvent, world: &dyn World) -> BackgroundActions {
        self.filter.background(event, world)
    }
}
