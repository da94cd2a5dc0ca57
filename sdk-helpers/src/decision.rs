//! What a filter wants done, as plain values. The shell does it; nothing here touches a host.

use std::borrow::Cow;
use std::rc::Rc;
use std::time::Duration;

use smallvec::{SmallVec, smallvec};

use crate::claims::Claims;
use crate::headers::{HeaderEdit, Headers};
use crate::ids::{OutcomeId, SeriesId};

/// What becomes of a request.
#[must_use]
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// On to the next filter.
    Continue(Edits),
    /// Answered here; the upstream never sees it.
    Reply(LocalReply),
    /// Paused for `by`, then `then`. The stream counts as active meanwhile.
    Delay {
        /// How long. Never shorter; longer by the grain of Envoy's timers (about 4 ms).
        by: Duration,
        /// What is recorded at once.
        record: Record,
        /// What happens at the end. A client that leaves earlier ends the stream instead.
        then: Box<Decision>,
    },
    /// Paused until a call ends, whose result comes back through `Filter::on_resume`.
    Ask {
        /// The call.
        call: Call,
        /// What is recorded at once.
        record: Record,
    },
    /// Paused until `Filter::background` wakes it, or `at_most` has passed; either comes back through
    /// `Filter::on_resume`.
    Wait {
        /// The longest the request is paused.
        at_most: Duration,
        /// What is recorded at once.
        record: Record,
    },
}

impl Decision {
    /// On, with nothing changed and nothing recorded.
    pub fn pass() -> Self {
        Decision::Continue(Edits::default())
    }
}

/// Changes to a stream that goes on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Edits {
    /// Changes to the request headers, in order.
    pub request: Vec<HeaderEdit>,
    /// Changes to the response headers, in order, whoever answers.
    pub response: Vec<HeaderEdit>,
    /// What is left for logs, metrics and later filters.
    pub record: Record,
}

/// Changes to a response on its way back. The request is with the upstream by then, and nothing can
/// be changed in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResponseEdits {
    /// Changes to the response headers, in order, after those that were decided with the request.
    pub headers: Vec<HeaderEdit>,
    /// What is left for logs, metrics and later filters.
    pub record: Record,
}

/// What a filter leaves behind for people and for later filters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// Counted, and named in filter state `wasm.mesh_filters.<filter>`; several are joined by `,`.
    /// Nearly every record has one or two, which take no memory of their own.
    pub notes: SmallVec<[Note; 2]>,
    /// The verified claims of the request: filter state `wasm.mesh_filters.claims`, and for later
    /// filters of the same module as they are.
    pub claims: Option<Rc<Claims>>,
    /// Filter state: `wasm.<key>` → value. Either may be made when a configuration is loaded.
    pub state: Vec<(Rc<str>, Rc<[u8]>)>,
    /// Added to series of the filter's own; see [`Filter::series`](crate::Filter::series).
    pub samples: Vec<(SeriesId, u64)>,
    /// Told in Envoy's log: what an operator should know of the filter, once. Nothing of a request.
    pub warnings: Vec<String>,
}

/// An outcome, and where in the configuration it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What is counted.
    pub outcome: OutcomeId,
    /// What follows the text of the outcome: `.rules[2]`. It is part of the reason and not of the
    /// counter, so it may name what no counter could afford. No comma and no white space.
    pub detail: Option<Rc<str>>,
}

impl Record {
    /// A record of one outcome.
    pub fn of(outcome: OutcomeId) -> Self {
        Record {
            notes: smallvec![Note {
                outcome,
                detail: None
            }],
            ..Record::default()
        }
    }

    /// Adds an outcome.
    pub fn add(&mut self, outcome: OutcomeId) {
        self.notes.push(Note {
            outcome,
            detail: None,
        });
    }

    /// Adds an outcome and what follows its text.
    pub fn note(&mut self, outcome: OutcomeId, detail: impl Into<Rc<str>>) {
        let detail = Some(detail.into());
        self.notes.push(Note { outcome, detail });
    }

    /// Each outcome.
    pub fn outcomes(&self) -> impl Iterator<Item = OutcomeId> {
        self.notes.iter().map(|note| note.outcome)
    }

    /// Each outcome with what follows its text.
    pub fn noted(&self) -> impl DoubleEndedIterator<Item = (OutcomeId, &str)> {
        self.notes
            .iter()
            .map(|note| (note.outcome, note.detail.as_deref().unwrap_or_default()))
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.notes.is_empty()
            && self.claims.is_none()
            && self.state.is_empty()
            && self.samples.is_empty()
            && self.warnings.is_empty()
    }
}

/// An answer of the filter's own.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalReply {
    /// 200 to 599. To a gRPC request Envoy turns it into HTTP 200 with a `grpc-status`.
    pub status: u16,
    /// The `grpc-status` to give a gRPC request, where not the one Envoy derives from `status`. To
    /// any other request it means nothing: the answer is `status` with `body` as text.
    pub grpc_status: Option<u32>,
    /// Sent as `text/plain` unless `headers` say otherwise; to gRPC as `grpc-message`.
    pub body: Body,
    /// Added to the answer.
    pub headers: Vec<(Cow<'static, str>, Vec<u8>)>,
    /// The last outcome, the one that answered, is also the `response_code_details`:
    /// `mesh_filters.<filter>{reason}`.
    pub record: Record,
}

impl LocalReply {
    /// One of this status with nothing else.
    pub fn new(status: u16) -> Self {
        LocalReply {
            status,
            grpc_status: None,
            body: Body::default(),
            headers: Vec::new(),
            record: Record::default(),
        }
    }
}

/// The body of a [`LocalReply`]: text of the filter's own, or bytes that somebody else wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body(Cow<'static, [u8]>);

impl Body {
    /// As it is sent.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Body(Cow::Borrowed(text.as_bytes()))
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Body(Cow::Owned(text.into_bytes()))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Body(Cow::Owned(bytes))
    }
}

/// Who asks, in a plain HTTP exchange of a filter's own. Firewalls refuse whom they do not know.
pub const USER_AGENT: &str = concat!("mesh-filters/", env!("CARGO_PKG_VERSION"));

/// A question to another cluster.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// A plain HTTP exchange.
    Http {
        /// Envoy's name of the cluster.
        cluster: String,
        /// Must hold `:method`, `:path` and `:authority`. Names in lower case.
        headers: Vec<(String, Vec<u8>)>,
        /// The body, possibly empty.
        body: Vec<u8>,
        /// A call without an end would pause the request for ever, so there is no "none".
        timeout: Duration,
    },
    /// A unary gRPC call.
    Grpc {
        /// Envoy's name of the cluster.
        cluster: String,
        /// As in `envoy.service.ratelimit.v3.RateLimitService`.
        service: String,
        /// As in `ShouldRateLimit`.
        method: String,
        /// Metadata of the request.
        metadata: Vec<(String, Vec<u8>)>,
        /// The protobuf message.
        message: Vec<u8>,
        /// As above.
        timeout: Duration,
    },
}

/// What came of a [`Call`].
#[derive(Debug, Clone, PartialEq)]
pub enum CallResult {
    /// An HTTP response. Envoy makes one up for a timeout (504) and a refused connection (503).
    Http {
        /// Its headers, `:status` among them.
        headers: Headers,
        /// Its body.
        body: Vec<u8>,
    },
    /// A gRPC status with the message of a success. Timeouts and refused connections are 14.
    Grpc {
        /// The gRPC status.
        status: u32,
        /// The protobuf message; empty unless the status is 0.
        message: Vec<u8>,
    },
    /// It broke off: a reset in the middle of the body, or a body that Envoy will not hold.
    Failed,
    /// No call was made: Envoy has no cluster of that name.
    Unsent,
}

/// Why a paused stream goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum Resume {
    /// The call of [`Decision::Ask`] ended.
    Answered(CallResult),
    /// `Filter::background` changed something that [`Decision::Wait`] may have waited for.
    Woken,
    /// [`Decision::Wait`] came to its end.
    TimedOut,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_stays_with_its_outcome() {
        let mut outcomes = crate::Outcomes::default();
        let (a, b) = (outcomes.add("a", None), outcomes.add("b", None));
        let mut record = Record::of(a);
        record.note(b, ".rules[2]");
        assert_eq!(
            record.noted().collect::<Vec<_>>(),
            [(a, ""), (b, ".rules[2]")]
        );
    }
}
