//! What a handler answers.

use std::time::Duration;

use ::envoy::client::frame;

/// An answer: 200 and empty unless told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Header names and values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
    /// What follows the body.
    pub trailers: Vec<(String, Vec<u8>)>,
    /// How long to wait before answering.
    pub after: Duration,
}

impl Answer {
    /// An empty answer of this status.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            trailers: Vec::new(),
            after: Duration::ZERO,
        }
    }

    /// A 200 that carries JSON.
    pub fn json(value: &serde_json::Value) -> Self {
        Self::status(200)
            .header("content-type", "application/json")
            .body(value.to_string())
    }

    /// One gRPC message and status 0.
    pub fn grpc(message: &[u8]) -> Self {
        Self::grpc_body(frame(message))
    }

    /// A gRPC failure, in the headers as servers send it when there is no message.
    pub fn grpc_error(status: u32, message: &str) -> Self {
        Self::status(200)
            .header("content-type", "application/grpc")
            .header("grpc-status", status.to_string())
            .header("grpc-message", message)
    }

    pub(super) fn grpc_body(framed: Vec<u8>) -> Self {
        Self::status(200)
            .header("content-type", "application/grpc")
            .body(framed)
            .trailer("grpc-status", "0")
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// Adds a trailer.
    pub fn trailer(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.trailers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Waits this long before answering.
    pub fn after(mut self, time: Duration) -> Self {
        self.after = time;
        self
    }
}
