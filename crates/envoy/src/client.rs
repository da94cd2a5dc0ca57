//! A client of HTTP/1.1 and HTTP/2 for what is asked of servers on this machine: blocking on the outside,
//! hyper within. Every request has a deadline, so a stream that hangs ends as one that broke.
//!
//! ```no_run
//! use envoy::client::{Client, Request};
//!
//! let client = Client::http1(([127, 0, 0, 1], 8080).into());
//! let answer = client.send(Request::get("/orders/7").header("x-plan", "gold"))?;
//! println!("{} {}", answer.status, answer.text());
//! # Ok::<(), envoy::client::Broken>(())
//! ```

mod connection;
mod grpc;
mod message;
mod request;
mod response;

use std::net::SocketAddr;
use std::time::Duration;

pub use connection::{Connection, HEADER_BYTES, HEADER_COUNT, Stream};
pub use grpc::{frame, unframe};
pub use message::{Message, fields, map};
pub use request::{Request, Version};
pub use response::{Broken, Response, first};

use crate::launch::runtime;

/// Asks one address, in one version of HTTP, over a connection of its own for each request.
#[derive(Debug, Clone)]
pub struct Client {
    addr: SocketAddr,
    version: Version,
    deadline: Duration,
    secure: bool,
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
            secure: false,
        }
    }

    /// What it asks.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What it speaks.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The scheme of its requests is `https`: [`Connection::over`] is told how TLS is spoken.
    #[must_use]
    pub fn secure(mut self) -> Self {
        self.secure = true;
        self
    }

    /// Speaks this in place of what it did.
    #[must_use]
    pub fn speaking(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// How long opening a connection, and then one request, may take before it counts as broken: 30 s unless told.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// There is none, or the request cannot be written in HTTP.
    pub fn send(&self, request: Request) -> Result<Response, Broken> {
        let asking = async {
            let connection = Connection::open(self).await?;
            connection.exchange(request).await
        };
        runtime::block_on(asking).map_err(Broken::new)?
    }
}
