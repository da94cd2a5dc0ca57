//! [`sdk_helpers::Filter`] without its types: one trait for the filter, one for a stream with its
//! memory.

use sdk_helpers::filter::{BackgroundActions, BackgroundEvent, Exchange, Filter};
use sdk_helpers::{Decision, Edits, Outcomes, Record, Request, Response, Resume, World};

/// A filter of any type.
pub(crate) trait Erased {
    fn name(&self) -> &'static str;
    fn outcomes(&self) -> &Outcomes;
    fn summary(&self) -> String;
    fn background(&self, event: BackgroundEvent, world: &dyn World) -> BackgroundActions;
    fn stream(&self) -> Box<dyn Callbacks + '_>;
}

/// A stream of a filter of any type.
pub(crate) trait Callbacks {
    fn on_request(&mut self, request: &Request, world: &dyn World) -> Decision;
    fn on_resume(&mut self, resume: Resume, request: &Request, world: &dyn World) -> Decision;
    fn on_response(&mut self, response: &Response, world: &dyn World) -> Edits;
    fn on_end(&mut self, exchange: &Exchange<'_>, world: &dyn World) -> Record;
}

impl<F: Filter> Erased for F {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn outcomes(&self) -> &Outcomes {
        Filter::outcomes(self)
    }

    fn summary(&self) -> String {
        Filter::summary(self)
    }

    fn background(&self, event: BackgroundEvent, world: &dyn World) -> BackgroundActions {
        Filter::background(self, event, world)
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
    fn on_request(&mut self, request: &Request, world: &dyn World) -> Decision {
        self.filter.on_request(request, world, &mut self.memory)
    }

    fn on_resume(&mut self, resume: Resume, request: &Request, world: &dyn World) -> Decision {
        self.filter
            .on_resume(resume, request, world, &mut self.memory)
    }

    fn on_response(&mut self, response: &Response, world: &dyn World) -> Edits {
        self.filter.on_response(response, world, &mut self.memory)
    }

    fn on_end(&mut self, exchange: &Exchange<'_>, world: &dyn World) -> Record {
        self.filter.on_end(exchange, world, &mut self.memory)
    }
}
