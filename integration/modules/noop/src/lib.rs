//! A filter that does nothing: the floor of what any filter costs Envoy.

use sdk_helpers::config::kind::Empty;
use sdk_helpers::{Decision, Filter, Load, Outcomes, Request, World};

/// Does nothing.
#[derive(Debug, Default)]
pub struct Noop {
    outcomes: Outcomes,
}

impl Filter for Noop {
    const NAME: &'static str = "noop";
    /// Has no configuration.
    type Wire = Empty;
    type Memory = ();

    fn compile(_: Empty, _: &Load<'_>) -> Self {
        Noop::default()
    }

    fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    fn summary(&self) -> String {
        "nothing to do".to_owned()
    }

    fn on_request(&self, _: &Request, _: &dyn World, (): &mut ()) -> Decision {
        Decision::pass()
    }
}

shell::register!(Noop);
