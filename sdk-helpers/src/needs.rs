//! What a filter may decide, and what it is told of.
//!
//! Every callback that a module exports is a call Envoy makes for every stream, so a module exports
//! those its filter needs and no other. A filter says what it needs in these words; which callbacks
//! that is, the shell alone knows. What a filter decides beyond them would never end, because the
//! callback that ends it is missing: it is refused instead, in tests and in Envoy.

use std::fmt;

use crate::decision::{Call, Decision};
use crate::filter::BackgroundActions;

/// The capabilities of a filter: [`Filter::NEEDS`](crate::Filter::NEEDS).
///
/// ```
/// use sdk_helpers::Needs;
///
/// const NEEDS: Needs = Needs {
///     delays: true,
///     ..Needs::NOTHING
/// };
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// It decides [`Decision::Delay`], and has the gauge `active` of the streams that are paused so.
    pub delays: bool,
    /// It decides [`Decision::Wait`].
    pub waits: bool,
    /// It makes [`Call::Http`].
    pub http_calls: bool,
    /// It makes [`Call::Grpc`].
    pub grpc_calls: bool,
    /// It sees response headers: `Filter::on_response` is called. It may decide
    /// [`response_edits`](Self::response_edits) as well.
    pub response_headers: bool,
    /// With a request it decides changes of the response ([`Edits::response`](crate::Edits::response)),
    /// which it need not see.
    pub response_edits: bool,
    /// It sees the end of each stream: `Filter::on_end` is called.
    pub end: bool,
    /// `Filter::background` may name a time at which it is asked again.
    pub background: bool,
}

impl Needs {
    /// Of a filter that continues or replies, and does nothing else.
    pub const NOTHING: Needs = Needs {
        delays: false,
        waits: false,
        http_calls: false,
        grpc_calls: false,
        response_headers: false,
        response_edits: false,
        end: false,
        background: false,
    };

    /// These and those.
    #[must_use]
    pub const fn and(self, other: Needs) -> Needs {
        Needs {
            delays: self.delays || other.delays,
            waits: self.waits || other.waits,
            http_calls: self.http_calls || other.http_calls,
            grpc_calls: self.grpc_calls || other.grpc_calls,
            response_headers: self.response_headers || other.response_headers,
            response_edits: self.response_edits || other.response_edits,
            end: self.end || other.end,
            background: self.background || other.background,
        }
    }

    /// Whether the callback comes in which the response is changed.
    #[must_use]
    pub const fn changes_response(&self) -> bool {
        self.response_headers || self.response_edits
    }

    /// Whether a filter with these needs may decide so.
    ///
    /// # Errors
    /// The capability that is missing.
    pub fn check(&self, decision: &Decision) -> Result<(), Beyond> {
        match decision {
            Decision::Continue(edits) if edits.response.is_empty() => Ok(()),
            Decision::Continue(_) => has(self.changes_response(), "response_edits"),
            Decision::Reply(_) => Ok(()),
            Decision::Delay { then, .. } => {
                has(self.delays, "delays")?;
                self.check(then)
            }
            Decision::Wait { .. } => has(self.waits, "waits"),
            Decision::Ask { call, .. } => self.check_call(call),
        }
    }

    /// Whether a filter with these needs may make such a call.
    ///
    /// # Errors
    /// The capability that is missing.
    pub fn check_call(&self, call: &Call) -> Result<(), Beyond> {
        match call {
            Call::Http { .. } => has(self.http_calls, "http_calls"),
            Call::Grpc { .. } => has(self.grpc_calls, "grpc_calls"),
        }
    }

    /// Whether a filter with these needs may want this done in the background.
    ///
    /// # Errors
    /// The capability that is missing.
    pub fn check_background(&self, actions: &BackgroundActions) -> Result<(), Beyond> {
        for (_, call) in &actions.calls {
            self.check_call(call)?;
        }
        has(self.background || actions.timer.is_none(), "background")?;
        has(self.waits || !actions.wake, "waits")
    }
}

fn has(capability: bool, name: &'static str) -> Result<(), Beyond> {
    match capability {
        true => Ok(()),
        false => Err(Beyond(name)),
    }
}

/// The capability that a filter used and does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beyond(&'static str);

impl fmt::Display for Beyond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0;
        write!(
            f,
            "decided what it has no callbacks for; set `{name}: true` in the filter's NEEDS"
        )
    }
}

impl std::error::Error for Beyond {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::decision::{Edits, LocalReply, Record};
    use crate::headers::HeaderEdit;

    const SOON: Duration = Duration::from_millis(1);

    fn delay(then: Decision) -> Decision {
        Decision::Delay {
            by: SOON,
            record: Record::default(),
            then: Box::new(then),
        }
    }

    fn ask(call: Call) -> Decision {
        Decision::Ask {
            call,
            record: Record::default(),
        }
    }

    fn http() -> Call {
        Call::Http {
            cluster: "a".to_owned(),
            headers: vec![],
            body: vec![],
            timeout: SOON,
        }
    }

    fn grpc() -> Call {
        Call::Grpc {
            cluster: "a".to_owned(),
            service: "a.Service".to_owned(),
            method: "Method".to_owned(),
            metadata: vec![],
            message: vec![],
            timeout: SOON,
        }
    }

    fn wait() -> Decision {
        Decision::Wait {
            at_most: SOON,
            record: Record::default(),
        }
    }

    fn response() -> Decision {
        Decision::Continue(Edits {
            response: vec![HeaderEdit::Remove("server".into())],
            ..Edits::default()
        })
    }

    #[test]
    fn what_is_decided_needs_its_capability_and_no_other() {
        for (decision, capability) in [
            (delay(Decision::pass()), "delays"),
            (wait(), "waits"),
            (ask(http()), "http_calls"),
            (ask(grpc()), "grpc_calls"),
            (response(), "response_edits"),
        ] {
            assert_eq!(Needs::NOTHING.check(&decision), Err(Beyond(capability)));
            let mut needs = Needs::NOTHING;
            match capability {
                "delays" => needs.delays = true,
                "waits" => needs.waits = true,
                "http_calls" => needs.http_calls = true,
                "grpc_calls" => needs.grpc_calls = true,
                _ => needs.response_edits = true,
            }
            assert_eq!(needs.check(&decision), Ok(()), "{capability}");
            // What comes after a delay counts as well.
            needs.delays = true;
            assert_eq!(needs.check(&delay(decision)), Ok(()), "{capability}");
        }
        let delays = Needs {
            delays: true,
            ..Needs::NOTHING
        };
        assert_eq!(delays.check(&delay(wait())), Err(Beyond("waits")));
    }

    #[test]
    fn to_continue_and_to_reply_needs_nothing() {
        let reply = Decision::Reply(LocalReply {
            status: 403,
            grpc_status: None,
            body: "".into(),
            headers: vec![],
            record: Record::default(),
        });
        for decision in [Decision::pass(), reply] {
            assert_eq!(Needs::NOTHING.check(&decision), Ok(()));
        }
    }

    #[test]
    fn what_is_done_in_the_background_needs_its_capability() {
        let nothing = BackgroundActions::default;
        for (actions, capability) in [
            (
                BackgroundActions {
                    calls: vec![(1, http())],
                    ..nothing()
                },
                "http_calls",
            ),
            (
                BackgroundActions {
                    timer: Some(SOON),
                    ..nothing()
                },
                "background",
            ),
            (
                BackgroundActions {
                    wake: true,
                    ..nothing()
                },
                "waits",
            ),
        ] {
            let error = Needs::NOTHING.check_background(&actions);
            assert_eq!(error, Err(Beyond(capability)));
        }
        assert_eq!(Needs::NOTHING.check_background(&nothing()), Ok(()));
    }
}
