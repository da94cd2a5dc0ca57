//! Calls to other clusters, and what comes of them.

use super::host::{self, Buffer};
use super::types::HeaderMap;
use sdk_helpers::chain::Chain;
use sdk_helpers::decision::{Call, CallResult};

/// Sends a call, one that the filter's needs allow; the token that its result comes under, or none if
/// it could not be sent.
pub(super) fn dispatch<C: Chain>(call: &Call) -> Option<u32> {
    match call {
        Call::Http {
            cluster,
            headers,
            body,
            timeout,
        } if C::NEEDS.http_calls => host::http_call(cluster, headers, body, *timeout),
        Call::Grpc {
            cluster,
            service,
            method,
            metadata,
            message,
            timeout,
        } if C::NEEDS.grpc_calls => {
            host::grpc_call(cluster, service, method, metadata, message, *timeout)
        }
        Call::Http { .. } | Call::Grpc { .. } => None,
    }
}

pub(super) fn http_result(headers: usize, body: usize) -> CallResult {
    // No headers at all: the connection broke in the middle, or the body was too large.
    if headers == 0 {
        return CallResult::Failed;
    }
    CallResult::Http {
        headers: host::headers(HeaderMap::CallResponse),
        body: host::buffer(Buffer::HttpCallBody, body).unwrap_or_default(),
    }
}

pub(super) fn grpc_result(status: u32, size: usize) -> CallResult {
    let message = match status {
        0 => host::buffer(Buffer::GrpcMessage, size).unwrap_or_default(),
        _ => Vec::new(),
    };
    CallResult::Grpc { status, message }
}
