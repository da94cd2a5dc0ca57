//! An answer as plain values, and the one way not to get one.

use std::fmt;
use std::time::Duration;

use super::grpc;

/// An answer, read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Names in lower case with their values, one entry for each value.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The whole body.
    pub body: Vec<u8>,
    /// What came after the body.
    pub trailers: Vec<(String, Vec<u8>)>,
    /// From the first byte sent to the last one read; opening the connection is not in it.
    pub elapsed: Duration,
}

impl Response {
    /// The first value of a header; `None` also where it is not UTF-8 (read `headers` then).
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }

    /// The first value of a trailer.
    pub fn trailer(&self, name: &str) -> Option<&str> {
        first(&self.trailers, name)
    }

    /// The body as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// It is none: says why, with the body.
    pub fn json(&self) -> Result<serde_json::Value, String> {
        let read = serde_json::from_slice(&self.body);
        read.map_err(|error| format!("not JSON ({error}): {}", self.text()))
    }

    /// The gRPC status, from the trailers or, in an answer without a body, from the headers.
    pub fn grpc_status(&self) -> Option<u32> {
        self.trailer("grpc-status")
            .or_else(|| self.header("grpc-status"))?
            .parse()
            .ok()
    }

    /// The gRPC message, from where the status is, percent-encoding and all.
    pub fn grpc_message(&self) -> Option<&str> {
        self.trailer("grpc-message")
            .or_else(|| self.header("grpc-message"))
    }

    /// The gRPC messages of the body.
    pub fn messages(&self) -> Vec<Vec<u8>> {
        grpc::unframe(&self.body)
    }
}

/// The first value of a field, when it is text.
pub fn first<'a>(fields: &'a [(String, Vec<u8>)], name: &str) -> Option<&'a str> {
    let (_, value) = fields
        .iter()
        .find(|(field, _)| field.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(value).ok()
}

/// No answer: the connection was refused, reset or silent, or the request cannot be written.
#[derive(Debug, Clone)]
pub struct Broken(String);

impl Broken {
    /// For this reason.
    pub fn new(why: impl fmt::Display) -> Self {
        Self(why.to_string())
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "no answer: {}", self.0)
    }
}

impl std::error::Error for Broken {}
