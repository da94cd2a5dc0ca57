//! A filter that does nothing: the floor of what any filter costs Envoy.

use sdk_helpers::{Decision, Filter, Load, Outcomes, Request, World};

/// Does nothing.
#[derive(Debug, Default)]
pub struct Noop {
    outcomes: Outcomes,
}

/// Has no configuration.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wire {}

impl Filter for Noop {
    const NAME: &'static str = "noop";
    type Wire = Wire;
    type Memory = ();

    fn compile(_: Wire, _: &Load<'_>) -> Self {
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
