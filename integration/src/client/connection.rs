//! One connection, for as many requests as it lasts: see [`envoy::client::Connection`](::envoy::client::Connection).

use std::net::SocketAddr;

use tokio::net::{TcpSocket, TcpStream};

use super::{Broken, Client, Request, Response, runtime};
use crate::envoy::expect;

/// A connection that several requests share; it closes when dropped.
#[derive(Debug)]
pub struct Connection(::envoy::client::Connection);

impl Connection {
    /// Sends a request and waits for its answer.
    #[track_caller]
    pub fn send(&self, request: Request) -> Response {
        expect(self.try_send(request))
    }

    /// The same, handing over what broke the transport.
    pub fn try_send(&self, request: Request) -> Result<Response, Broken> {
        runtime::block_on(self.exchange(request))
    }

    pub(super) async fn open(client: &Client) -> Result<Self, Broken> {
        let plain = &client.plain;
        let opened = match &client.tls {
            None => {
                let as_it_is = |stream| async { Ok(stream) };
                ::envoy::client::Connection::over(plain, reach(client), as_it_is).await
            }
            Some(tls) => {
                let with_tls = |stream| async {
                    let offered = tls.connect(stream, plain.version().protocol()).await;
                    offered.map_err(Broken::new)
                };
                ::envoy::client::Connection::over(plain, reach(client), with_tls).await
            }
        };
        opened.map(Self)
    }

    pub(super) async fn exchange(&self, request: Request) -> Result<Response, Broken> {
        self.0.exchange(request).await
    }

    /// Whether the other side has closed it.
    pub(super) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

async fn reach(client: &Client) -> std::io::Result<TcpStream> {
    let addr = client.plain.addr();
    let Some(address) = client.from else {
        return TcpStream::connect(addr).await;
    };
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.bind(SocketAddr::new(address, 0))?;
    socket.connect(addr).await
}
