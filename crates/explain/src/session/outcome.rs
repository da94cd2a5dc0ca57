//! What a decision comes to.

use std::time::Duration;

use sdk_helpers::{Decision, Headers, LocalReply, Record, Request, grpc};

use crate::answer::{FilterAnswer, Outcome};

/// A decision with all delays before it.
pub(crate) struct Said {
    /// How long the request is held, in milliseconds.
    pub(crate) delay: Option<u64>,
    /// What comes in the end; no delay.
    pub(crate) last: Decision,
}

impl Said {
    /// Takes a decision apart, and shows what is recorded, in order.
    pub(crate) fn of(decision: Decision, recorded: &mut dyn FnMut(&Record)) -> Self {
        let mut said = Said {
            delay: None,
            last: decision,
        };
        while let Decision::Delay { by, record, then } = said.last {
            let so_far = said.delay.unwrap_or(0);
            said.delay = Some(so_far.saturating_add(milliseconds(by)));
            recorded(&record);
            said.last = *then;
        }
        recorded(match &said.last {
            Decision::Continue(edits) => &edits.record,
            Decision::Reply(reply) => &reply.record,
            Decision::Delay { record, .. }
            | Decision::Ask { record, .. }
            | Decision::Wait { record, .. } => record,
        });
        said
    }
}

pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A filter's own answer, as Envoy gives it.
pub(super) struct Reply {
    pub(super) by: &'static str,
    pub(super) decision: Outcome,
    pub(super) reason: String,
    pub(super) grpc_status: Option<u32>,
    pub(super) headers: Headers,
}

impl Reply {
    pub(super) fn new(
        answer: &FilterAnswer,
        reason: Option<String>,
        reply: &LocalReply,
        request: &Request,
    ) -> Self {
        let (status, grpc_status) = match request.is_grpc() {
            true => {
                let derived = grpc::status_of_http(reply.status.into());
                (200, Some(reply.grpc_status.unwrap_or(derived)))
            }
            false => (reply.status, None),
        };
        let first = (":status".to_owned(), status.to_string().into_bytes());
        let headers = reply.headers.iter();
        let headers = headers.map(|(name, value)| (name.clone().into_owned(), value.clone()));
        Reply {
            by: answer.filter,
            decision: answer.decision,
            reason: reason.unwrap_or_else(|| "unknown".to_owned()),
            grpc_status,
            headers: Headers::from_pairs([first].into_iter().chain(headers)),
        }
    }
}
