//! A request as plain values, and its translation into hyper's.

use std::fmt;
use std::net::SocketAddr;

use hyper::Uri;
use hyper::header::HeaderMap;

use super::message::{Message, map};
use super::{Broken, grpc};

/// The version of HTTP a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, by prior knowledge.
    Http2,
}

impl Version {
    /// Its name in TLS (ALPN).
    #[must_use]
    pub fn protocol(self) -> &'static str {
        match self {
            Version::Http1 => "http/1.1",
            Version::Http2 => "h2",
        }
    }
}

/// A request as plain values: anything a client may send, as long as hyper can carry it.
#[derive(Debug, Clone)]
pub struct Request {
    method: String,
    path: String,
    authority: Option<String>,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    trailers: Vec<(String, Vec<u8>)>,
}

impl Request {
    /// The first value of a header.
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        let mut values = self.headers.iter().filter(|(header, _)| header == name);
        values.next().map(|(_, value)| value.as_slice())
    }

    /// The method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path with its query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The authority, where one is said.
    pub fn said_authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// Every header, in order.
    pub fn headers(&self) -> &[(String, Vec<u8>)] {
        &self.headers
    }

    /// A request of any method.
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            authority: None,
            headers: Vec::new(),
            body: Vec::new(),
            trailers: Vec::new(),
        }
    }

    /// A `GET`.
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// A `POST` with this body.
    pub fn post(path: &str, body: impl AsRef<[u8]>) -> Self {
        Self::new("POST", path).body(body)
    }

    /// A gRPC request that carries one message.
    pub fn grpc(path: &str, message: &[u8]) -> Self {
        Self::post(path, grpc::frame(message))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
    }

    /// Adds a header; the same name again adds another value.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Sets the authority (`Host` in HTTP/1.1), which is the address otherwise.
    #[must_use]
    pub fn authority(mut self, authority: &str) -> Self {
        self.authority = Some(authority.to_owned());
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// Adds a trailer, sent after the body.
    #[must_use]
    pub fn trailer(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.trailers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub(super) fn into_hyper(
        self,
        version: Version,
        addr: SocketAddr,
        secure: bool,
    ) -> Result<hyper::Request<Message>, Broken> {
        let authority = self.authority.unwrap_or_else(|| addr.to_string());
        let mut headers = map(&self.headers)?;
        let path = self.path.as_str();
        let uri = match version {
            Version::Http1 => Uri::try_from(path).map_err(hyper::http::Error::from),
            Version::Http2 => Uri::builder()
                .scheme(if secure { "https" } else { "http" })
                .authority(authority.as_str())
                .path_and_query(path)
                .build(),
        };
        let uri = uri.map_err(|error| {
            let (path, authority) = (path.escape_debug(), authority.escape_debug());
            Broken::new(format_args!("path `{path}` of `{authority}`: {error}"))
        })?;
        if version == Version::Http1 {
            if !headers.contains_key("host") {
                headers.insert("host", authority.parse().map_err(Broken::new)?);
            }
            announce(&self.trailers, &mut headers)?;
        }
        let body = Message::new(self.body, map(&self.trailers)?);
        let mut request = hyper::Request::builder()
            .method(self.method.as_str())
            .uri(uri)
            .body(body)
            .map_err(Broken::new)?;
        *request.headers_mut() = headers;
        Ok(request)
    }
}

/// As a person reads it, and without its body.
impl fmt::Display for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.path)?;
        if let Some(authority) = &self.authority {
            write!(formatter, ", authority: {authority}")?;
        }
        for (name, value) in &self.headers {
            write!(formatter, ", {name}: {}", value.escape_ascii())?;
        }
        Ok(())
    }
}

/// HTTP/1.1 carries no trailer that `Trailer` did not announce.
fn announce(trailers: &[(String, Vec<u8>)], headers: &mut HeaderMap) -> Result<(), Broken> {
    for (name, _) in trailers {
        headers.append("trailer", name.parse().map_err(Broken::new)?);
    }
    Ok(())
}
