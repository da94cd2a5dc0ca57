//! Calls to other services. They belong to the root context and outlive the stream that made them.

use super::headers::Headers;
use std::collections::BTreeMap;
use std::time::Duration;

/// What speaks with the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// A plain HTTP request.
    Http,
    /// A gRPC call to one method of one service.
    Grpc {
        /// The service's full name.
        service: String,
        /// The method's name.
        method: String,
    },
}

/// A call that is on its way: answer it, let it time out, or leave it hanging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingCall {
    /// The number to answer under.
    pub id: u32,
    /// HTTP or gRPC.
    pub protocol: Protocol,
    /// The cluster.
    pub upstream: String,
    /// Request headers, or gRPC's initial metadata.
    pub headers: Headers,
    /// The body, or gRPC's message.
    pub body: Vec<u8>,
    /// Request trailers.
    pub trailers: Headers,
    /// After this long without an answer Envoy makes one up.
    pub timeout: Option<Duration>,
}

/// A pending call with what only the host needs to know of it.
pub(crate) struct Pending {
    pub(crate) call: PendingCall,
    pub(crate) root: u32,
    pub(crate) due: Option<u64>,
}

/// What came of a call.
pub(crate) enum Outcome {
    Http {
        headers: Headers,
        body: Vec<u8>,
        trailers: Headers,
    },
    /// The connection broke amid the answer: a callback with nothing in it.
    Broken,
    Grpc {
        status: u32,
        message: Vec<u8>,
    },
}

impl Outcome {
    /// What Envoy says in the place of an upstream that kept silent.
    pub(crate) fn timeout(protocol: &Protocol) -> Self {
        match protocol {
            Protocol::Http => Self::synthetic(504, "upstream request timeout"),
            Protocol::Grpc { .. } => Self::Grpc {
                status: 14,
                message: b"upstream request timeout{response_timeout}".to_vec(),
            },
        }
    }

    /// What Envoy says when the connection is refused.
    pub(crate) fn refused() -> Self {
        Self::synthetic(503, REFUSED)
    }

    fn synthetic(status: u32, text: &str) -> Self {
        Self::Http {
            headers: Headers::from(&[
                (":status", status.to_string()),
                ("content-length", text.len().to_string()),
                ("content-type", "text/plain".to_owned()),
            ]),
            body: text.as_bytes().to_vec(),
            trailers: Headers::new(),
        }
    }
}

const REFUSED: &str = "upstream connect error or disconnect/reset before headers. \
     reset reason: remote connection failure";

/// The two low bits of a call's number say what it is; numbers of one kind are this far apart.
const STEP: u32 = 4;

/// The calls of one VM.
pub(crate) struct Upstreams {
    pub(crate) pending: BTreeMap<u32, Pending>,
    last_http: u32,
    last_grpc: u32,
}

impl Default for Upstreams {
    fn default() -> Self {
        Self {
            pending: BTreeMap::new(),
            last_http: 0,
            last_grpc: 1,
        }
    }
}

impl Upstreams {
    pub(crate) fn next_id(&mut self, protocol: &Protocol) -> u32 {
        let last = match protocol {
            Protocol::Http => &mut self.last_http,
            Protocol::Grpc { .. } => &mut self.last_grpc,
        };
        *last += STEP;
        *last
    }

    pub(crate) fn next_due(&self) -> Option<u64> {
        self.pending.values().filter_map(|call| call.due).min()
    }

    pub(crate) fn overdue(&self, now: u64) -> Vec<u32> {
        let late = self
            .pending
            .iter()
            .filter(|(_, call)| call.due.is_some_and(|due| due <= now));
        late.map(|(id, _)| *id).collect()
    }
}
