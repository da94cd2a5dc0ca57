//! [`sdk_helpers::Filter`] without its types: one trait for the filter, one for a stream with its
//! memory.

use sdk_helpers::filter::{BackgroundActions, BackgroundEvent, Exchange, Filter};
use sdk_helpers::{
    Beyond, Decision, Gauges, Outcomes, Record, Request, Response, ResponseEdits, Resume, Series,
    SeriesId, World,
};

/// A filter of any type.
pub(crate) trait Erased {
    fn name(&self) -> &'static str;
    fn outcomes(&self) -> &Outcomes;
    fn gauges(&self) -> &Gauges;
    fn series(&self, id: SeriesId) -> Option<Series>;
    fn summary(&self) -> String;
    fn background(
        &self,
        event: BackgroundEvent,
        world: &dyn World,
    ) -> Result<BackgroundActions, Beyond>;
    fn stream(&self) -> Box<dyn Callbacks + '_>;
}

/// A stream of a filter of any type.
pub(crate) trait Callbacks {
    fn on_request(&mut self, request: &Request, world: &dyn World) -> Result<Decision, Beyond>;
    fn on_resume(
        &mut self,
        resume: Resume,
        request: &Request,
        world: &dyn World,
    ) -> Result<Decision, Beyond>;
    fn on_response(&mut self, response: &Response, world: &dyn World) -> ResponseEdits;
    fn on_end(&mut self, exchange: &Exchange<'_>, world: &dyn World) -> Record;
}

impl<F: Filter> Erased for F {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn outcomes(&self) -> &Outcomes {
        Filter::outcomes(self)
    }

    fn gauges(&self) -> &Gauges {
        Filter::gauges(self)
    }

    fn series(&self, id: SeriesId) -> Option<Series> {
        Filter::series(self, id)
    }

    fn summary(&self) -> String {
        Filter::summary(self)
    }

    fn background(
        &self,
        event: BackgroundEvent,
        world: &dyn World,
    ) -> Result<BackgroundActions, Beyond> {
        let actions = Filter::background(self, event, world);
        F::NEEDS.check_background(&actions)?;
        Ok(actions)
    }

    fn stream(&self) -> Box<dyn Callbacks + '_> {
        Box::new(OfFilter {
            filter: self,
            memory: F::Memory::default(),
        })
    }
}

/// A stream that remembers what its filter wants remembered.
struct OfFilter<'a, F: Filter> {
    filter: &'a F,
    memory: F::Memory,
}

impl<F: Filter> Callbacks for OfFilter<'_, F> {
    fn on_request(&mut self, request: &Request, world: &dyn World) -> Result<Decision, Beyond> {
        let decision = self.filter.on_request(request, world, &mut self.memory);
        F::NEEDS.check(&decision)?;
        Ok(decision)
    }

    fn on_resume(
        &mut self,
        resume: Resume,
        request: &Request,
        world: &dyn World,
    ) -> Result<Decision, Beyond> {
        let memory = &mut self.memory;
        let decision = self.filter.on_resume(resume, request, world, memory);
        F::NEEDS.check(&decision)?;
        Ok(decision)
    }

    fn on_response(&mut self, response: &Response, world: &dyn World) -> ResponseEdits {
        match F::NEEDS.response_headers {
            true => self.filter.on_response(response, world, &mut self.memory),
            false => ResponseEdits::default(),
        }
    }

    fn on_end(&mut self, exchange: &Exchange<'_>, world: &dyn World) -> Record {
        match F::NEEDS.end {
            true => self.filter.on_end(exchange, world, &mut self.memory),
            false => Record::default(),
        }
    }
}
