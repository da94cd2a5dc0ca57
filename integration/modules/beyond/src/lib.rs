//! A filter that decides what it has no callbacks for, one thing a path: each would hold its stream
//! for ever, or be dropped without a word, if the shell did not refuse it.

use std::time::Duration;

use sdk_helpers::{
    BackgroundActions, BackgroundEvent, Call, Decision, Edits, Filter, HeaderEdit, Load, Outcomes,
    Record, Request, World,
};

/// Needs nothing, and decides everything.
#[derive(Debug)]
pub struct Beyond {
    in_background: bool,
    outcomes: Outcomes,
}

sdk_helpers::fields! {
    /// Its configuration.
    pub struct Wire {
        /// whether it sets a timer
        background: bool,
    }
}

const SOON: Duration = Duration::from_millis(1);

impl Filter for Beyond {
    const NAME: &'static str = "beyond";
    type Wire = Wire;
    type Memory = ();

    fn compile(wire: Wire, _: &Load<'_>) -> Self {
        Beyond {
            in_background: wire.background.unwrap_or(false),
            outcomes: Outcomes::default(),
        }
    }

    fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    fn summary(&self) -> String {
        "too much".to_owned()
    }

    fn on_request(&self, request: &Request, _: &dyn World, (): &mut ()) -> Decision {
        let record = Record::default();
        match request.path() {
            b"/delay" => Decision::Delay {
                by: SOON,
                record,
                then: Box::new(Decision::pass()),
            },
            b"/wait" => Decision::Wait {
                at_most: SOON,
                record,
            },
            b"/http" => Decision::Ask {
                call: Call::Http {
                    cluster: "there".to_owned(),
                    headers: vec![],
                    body: vec![],
                    timeout: SOON,
                },
                record,
            },
            b"/grpc" => Decision::Ask {
                call: Call::Grpc {
                    cluster: "there".to_owned(),
                    service: "a.Service".to_owned(),
                    method: "Method".to_owned(),
                    metadata: vec![],
                    message: vec![],
                    timeout: SOON,
                },
                record,
            },
            b"/response" => Decision::Continue(Edits {
                response: vec![HeaderEdit::Remove("server".into())],
                ..Edits::default()
            }),
            _ => Decision::pass(),
        }
    }

    fn background(&self, _: BackgroundEvent, _: &dyn World) -> BackgroundActions {
        BackgroundActions {
            timer: self.in_background.then_some(SOON),
            ..BackgroundActions::default()
        }
    }
}

shell::register!(Beyond);
