//! [`sdk_helpers::chain::Chain`] without its types: one trait for the chain, one for a stream with
//! its memory.

use sdk_helpers::chain::{Chain, FilterState, Stage};
use sdk_helpers::explanation::RuleExplanation;
use sdk_helpers::filter::{BackgroundActions, BackgroundEvent, Exchange};
use sdk_helpers::{
    Decision, Gauges, Outcomes, Record, Request, Response, ResponseEdits, Resume, Series, SeriesId,
    World,
};

/// A chain of any type.
pub(crate) trait Erased {
    fn name(&self) -> &'static str;
    fn stages(&self) -> &[Stage];
    fn filter_state(&self) -> FilterState;
    fn outcomes(&self, stage: usize) -> &Outcomes;
    fn rules(&self, stage: usize) -> Vec<String>;
    fn explain(&self, stage: usize, request: &Request, world: &dyn World) -> Vec<RuleExplanation>;
    fn gauges(&self, stage: usize) -> &Gauges;
    fn series(&self, stage: usize, id: SeriesId) -> Option<Series>;
    fn summary(&self) -> String;
    fn background(
        &self,
        stage: usize,
        event: BackgroundEvent,
        world: &dyn World,
    ) -> BackgroundActions;
    fn callbacks(&self) -> Box<dyn Callbacks + '_>;
}

/// A stream of a chain of any type: what each of its filters says.
pub(crate) trait Callbacks {
    fn on_request(&mut self, stage: usize, request: &Request, world: &dyn World) -> Decision;
    fn on_resume(
        &mut self,
        stage: usize,
        resume: Resume,
        request: &Request,
        world: &dyn World,
    ) -> Decision;
    fn on_response(
        &mut self,
        stage: usize,
        response: &Response,
        world: &dyn World,
    ) -> ResponseEdits;
    fn on_end(&mut self, stage: usize, exchange: &Exchange<'_>, world: &dyn World) -> Record;
}

impl<C: Chain> Erased for C {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn stages(&self) -> &[Stage] {
        Chain::stages(self)
    }

    fn filter_state(&self) -> FilterState {
        Chain::filter_state(self)
    }

    fn outcomes(&self, stage: usize) -> &Outcomes {
        Chain::outcomes(self, stage)
    }

    fn rules(&self, stage: usize) -> Vec<String> {
        Chain::rules(self, stage)
    }

    fn explain(&self, stage: usize, request: &Request, world: &dyn World) -> Vec<RuleExplanation> {
        Chain::explain(self, stage, request, world)
    }

    fn gauges(&self, stage: usize) -> &Gauges {
        Chain::gauges(self, stage)
    }

    fn series(&self, stage: usize, id: SeriesId) -> Option<Series> {
        Chain::series(self, stage, id)
    }

    fn summary(&self) -> String {
        Chain::summary(self)
    }

    fn background(
        &self,
        stage: usize,
        event: BackgroundEvent,
        world: &dyn World,
    ) -> BackgroundActions {
        Chain::background(self, stage, event, world)
    }

    fn callbacks(&self) -> Box<dyn Callbacks + '_> {
        Box::new(OfChain {
            chain: self,
            memory: C::Memory::default(),
        })
    }
}

/// A stream that remembers what its filters want remembered.
struct OfChain<'a, C: Chain> {
    chain: &'a C,
    memory: C::Memory,
}

impl<C: Chain> Callbacks for OfChain<'_, C> {
    fn on_request(&mut self, stage: usize, request: &Request, world: &dyn World) -> Decision {
        let memory = &mut self.memory;
        self.chain.on_request(stage, request, world, memory)
    }

    fn on_resume(
        &mut self,
        stage: usize,
        resume: Resume,
        request: &Request,
        world: &dyn World,
    ) -> Decision {
        let memory = &mut self.memory;
        self.chain.on_resume(stage, resume, request, world, memory)
    }

    fn on_response(
        &mut self,
        stage: usize,
        response: &Response,
        world: &dyn World,
    ) -> ResponseEdits {
        let memory = &mut self.memory;
        self.chain.on_response(stage, response, world, memory)
    }

    fn on_end(&mut self, stage: usize, exchange: &Exchange<'_>, world: &dyn World) -> Record {
        let memory = &mut self.memory;
        self.chain.on_end(stage, exchange, world, memory)
    }
}
