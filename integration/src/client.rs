//! A client whose calls read as sentences: ask, get an answer, compare.
//!
//! Blocking on the outside, hyper within. `send` panics when the transport fails, because that is
//! how a test fails; `try_send` hands the failure over instead. Every request has a deadline, so a
//! stream that hangs is a failed test and not a stuck one.

mod burst;
pub(crate) mod connection;
mod frames;
pub mod grpc;
pub(crate) mod message;
mod raw;
mod request;
mod response;
pub(crate) mod runtime;
mod talk;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

pub use connection::Connection;
pub use frames::{Answered, Fields, Frames};
pub use raw::raw;
pub use request::Request;
pub(crate) use response::first;
pub use response::{Broken, Response};
pub use talk::Talk;

use request::Version;
use response::expect;

use crate::tls::Tls;

/// Asks one address, in one version of HTTP. Each `send` opens a connection of its own, so that
/// requests spread over Envoy's workers; [`Client::connect`] and [`Client::burst`] keep theirs.
#[derive(Debug, Clone)]
pub struct Client {
    addr: SocketAddr,
    version: Version,
    deadline: Duration,
    tls: Option<Arc<Tls>>,
    from: Option<IpAddr>,
}

impl Client {
    /// A client that speaks HTTP/1.1.
    pub fn http1(addr: SocketAddr) -> Self {
        Self::new(addr, Version::Http1)
    }

    /// A client that speaks HTTP/2 without asking first ("prior knowledge").
    pub fn http2(addr: SocketAddr) -> Self {
        Self::new(addr, Version::Http2)
    }

    fn new(addr: SocketAddr, version: Version) -> Self {
        Self {
            addr,
            version,
            deadline: Duration::from_secs(30),
            tls: None,
            from: None,
        }
    }

    /// Speaks TLS, offering its version of HTTP alone.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(Arc::new(tls));
        self
    }

    /// Asks from this address of the machine's, as `curl --interface` does.
    pub fn from(mut self, address: impl Into<IpAddr>) -> Self {
        self.from = Some(address.into());
        self
    }

    /// How long one request may take before it counts as broken: 30 s unless told.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// A `GET`, to be completed and sent.
    pub fn get(&self, path: &str) -> Call {
        self.method("GET", path)
    }

    /// A `POST` with this body, to be completed and sent.
    pub fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Call {
        self.method("POST", path).body(body)
    }

    /// A request of any method, to be completed and sent.
    pub fn method(&self, method: &str, path: &str) -> Call {
        Call {
            client: self.clone(),
            request: Request::new(method, path),
        }
    }

    /// Sends one gRPC message and waits for the answer; HTTP/2 whatever the client speaks.
    #[track_caller]
    pub fn grpc(&self, path: &str, message: &[u8]) -> Response {
        let client = Self {
            version: Version::Http2,
            ..self.clone()
        };
        client.send(Request::grpc(path, message))
    }

    /// Sends a request over a connection of its own.
    #[track_caller]
    pub fn send(&self, request: Request) -> Response {
        expect(self.try_send(request))
    }

    /// The same, handing over what broke the transport.
    pub fn try_send(&self, request: Request) -> Result<Response, Broken> {
        self.try_connect()?.try_send(request)
    }

    /// Opens a connection that several requests share, and with it the worker that serves them.
    #[track_caller]
    pub fn connect(&self) -> Connection {
        match self.try_connect() {
            Ok(connection) => connection,
            Err(broken) => panic!("{broken}"),
        }
    }

    fn try_connect(&self) -> Result<Connection, Broken> {
        runtime::block_on(Connection::open(self))
    }
}

/// A request on its way: what to add, then how to send it.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `send`"]
pub struct Call {
    client: Client,
    request: Request,
}

impl Call {
    /// Adds a header; the same name again adds another value.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// Sets the authority (`Host` in HTTP/1.1), which is the address otherwise.
    pub fn authority(mut self, authority: &str) -> Self {
        self.request = self.request.authority(authority);
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.request = self.request.body(body);
        self
    }

    /// Adds a trailer, sent after the body.
    pub fn trailer(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.request = self.request.trailer(name, value);
        self
    }

    /// The request by itself, for [`Client::burst`] or a [`Connection`].
    pub fn request(self) -> Request {
        self.request
    }

    /// Sends it over a connection of its own.
    #[track_caller]
    pub fn send(self) -> Response {
        self.client.send(self.request)
    }

    /// The same, handing over what broke the transport.
    pub fn try_send(self) -> Result<Response, Broken> {
        self.client.try_send(self.request)
    }

    /// Sends it, then closes the connection after this time; an answer that came earlier is lost.
    #[track_caller]
    pub fn abandon_after(self, time: Duration) {
        let connection = self.client.connect();
        runtime::block_on(async {
            // Running out of time is the point, and a broken transport abandons just as well.
            let _ = tokio::time::timeout(time, connection.exchange(self.request)).await;
        });
    }
}
