//! A client whose calls read as sentences: ask, get an answer, compare.
//!
//! [`envoy::client`](::envoy::client) does the work. `send` panics when the transport fails, because that is how a test
//! fails; `try_send` hands the failure over instead.

mod burst;
mod connection;
mod frames;
mod raw;
pub(crate) mod runtime;
mod talk;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ::envoy::client::Version;
pub use ::envoy::client::{Broken, Request, Response, frame};

pub use connection::Connection;
pub use frames::{Answered, Fields, Frames};
pub use raw::raw;
pub use talk::Talk;

use crate::envoy::expect;
use crate::tls::Tls;

/// Asks one address, in one version of HTTP. Each `send` opens a connection of its own, so that
/// requests spread over Envoy's workers; [`Client::connect`] and [`Client::burst`] keep theirs.
#[derive(Debug, Clone)]
pub struct Client {
    plain: ::envoy::client::Client,
    tls: Option<Arc<Tls>>,
    from: Option<IpAddr>,
}

impl Client {
    /// A client that speaks HTTP/1.1.
    pub fn http1(addr: SocketAddr) -> Self {
        Self::of(::envoy::client::Client::http1(addr))
    }

    /// A client that speaks HTTP/2 without asking first ("prior knowledge").
    pub fn http2(addr: SocketAddr) -> Self {
        Self::of(::envoy::client::Client::http2(addr))
    }

    fn of(plain: ::envoy::client::Client) -> Self {
        Self {
            plain,
            tls: None,
            from: None,
        }
    }

    /// Speaks TLS, offering its version of HTTP alone.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.plain = self.plain.secure();
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
        self.plain = self.plain.deadline(deadline);
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
            plain: self.plain.clone().speaking(Version::Http2),
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
        expect(self.try_connect())
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
