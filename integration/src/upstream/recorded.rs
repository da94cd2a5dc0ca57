//! What a request looked like when it arrived.

use ::envoy::client::{first, unframe};

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub protocol: String,
    /// `:scheme`, which HTTP/1.1 does not have.
    pub scheme: Option<String>,
    /// `:authority`, or `Host` in HTTP/1.1.
    pub authority: String,
    /// Names in lower case with their values, one entry for each value.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The whole body.
    pub body: Vec<u8>,
    /// What came after the body.
    pub trailers: Vec<(String, Vec<u8>)>,
}

impl Recorded {
    /// The first value of a header; `None` also where it is not UTF-8 (read `headers` then).
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }

    /// Every value of a header.
    pub fn values(&self, name: &str) -> Vec<&[u8]> {
        let named = self
            .headers
            .iter()
            .filter(|(field, _)| field.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_slice()).collect()
    }

    /// Whether this is gRPC.
    pub fn is_grpc(&self) -> bool {
        self.header("content-type")
            .is_some_and(|kind| kind.starts_with("application/grpc"))
    }

    /// The gRPC messages of the body.
    pub fn messages(&self) -> Vec<Vec<u8>> {
        unframe(&self.body)
    }
}
