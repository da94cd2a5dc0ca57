//! Local replies: what a module asked for, and what Envoy makes of it for the client.

use super::headers::Headers;
use sdk_helpers::grpc;

/// A reply that no upstream gave, in the words of the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalReply {
    /// The HTTP status asked for. A gRPC client gets 200 instead, see [`Stream::response`](super::Stream::response).
    pub status: u32,
    /// What access logs show as `%RESPONSE_CODE_DETAILS%`, white space already turned into `_`.
    pub details: String,
    /// The body; for a gRPC client, the message.
    pub body: Vec<u8>,
    /// Headers in addition to those Envoy sets.
    pub headers: Headers,
    /// The gRPC status, if one was given.
    pub grpc_status: Option<u32>,
}

impl LocalReply {
    /// What a stream gets from a VM that is dead.
    pub(crate) fn failure() -> Self {
        Self {
            status: 503,
            details: "wasm_fail_stream".to_owned(),
            body: Vec::new(),
            headers: Headers::new(),
            grpc_status: Some(14),
        }
    }

    /// The head and the body that go to the client.
    pub(crate) fn response(&self, request: &Headers) -> (Headers, Vec<u8>) {
        let mut head = Headers::from(&[(":status", self.status.to_string())]).of_response();
        for (name, value) in self.headers.pairs() {
            head.add(name, value);
        }
        if is_grpc(request) {
            self.grpc_head(&mut head);
            return (head, Vec::new());
        }
        if self.body.is_empty() {
            head.remove(b"content-length");
            head.remove(b"content-type");
        } else {
            head.set(b"content-length", self.body.len().to_string().as_bytes());
            if head.first("content-type").is_none() {
                head.add(b"content-type", b"text/plain");
            }
        }
        let for_head = request.first(":method") == Some(b"HEAD");
        let body = if for_head {
            Vec::new()
        } else {
            self.body.clone()
        };
        (head, body)
    }

    /// A gRPC client reads no HTTP status: everything goes into trailers-only headers.
    fn grpc_head(&self, head: &mut Headers) {
        let status = self
            .grpc_status
            .unwrap_or_else(|| grpc::status_of_http(self.status));
        head.set(b":status", b"200");
        head.set(b"content-type", b"application/grpc");
        head.remove(b"content-length");
        if head.first("grpc-status").is_none() {
            head.add(b"grpc-status", status.to_string().as_bytes());
        }
        if !self.body.is_empty() && head.first("grpc-message").is_none() {
            head.add(b"grpc-message", &percent_encoded(&self.body));
        }
    }
}

fn is_grpc(request: &Headers) -> bool {
    let kind = request.first("content-type").unwrap_or_default();
    let rest = kind.strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"+"))
}

fn percent_encoded(message: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    for byte in message {
        if (b' '..=b'~').contains(byte) && *byte != b'%' {
            encoded.push(*byte);
        } else {
            encoded.extend(format!("%{byte:02X}").bytes());
        }
    }
    encoded
}
