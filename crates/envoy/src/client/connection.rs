//! One connection, for as many requests as it lasts.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

use super::message::{Message, fields};
use super::request::Version;
use super::{Broken, Client, Request, Response};

/// Bytes that headers may have, well above what hyper allows by default.
pub const HEADER_BYTES: u32 = 4 << 20;
/// The same for their number in HTTP/1.1, where hyper stops at 100.
pub const HEADER_COUNT: usize = 4096;

/// A connection that several requests share; it closes when dropped.
#[derive(Debug)]
pub struct Connection {
    addr: SocketAddr,
    secure: bool,
    deadline: Duration,
    sender: Sender,
    driver: AbortHandle,
}

/// What HTTP is spoken over: TCP, or TLS above it.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

#[derive(Debug)]
enum Sender {
    Http1(tokio::sync::Mutex<http1::SendRequest<Message>>),
    Http2(http2::SendRequest<Message>),
}

impl Connection {
    /// Opens one over TCP, by the client's deadline.
    ///
    /// # Errors
    /// Nobody listens there, or there is no connection in time.
    pub async fn open(client: &Client) -> Result<Self, Broken> {
        let reaching = TcpStream::connect(client.addr);
        Self::over(client, reaching, |stream| async { Ok(stream) }).await
    }

    /// Opens one over a TCP stream that is opened in another way, and over what is made of that, by the client's
    /// deadline.
    ///
    /// # Errors
    /// Those of the streams; or the other side does not speak the client's version of HTTP, or not in time.
    pub async fn over<S, A>(
        client: &Client,
        reaching: impl Future<Output = std::io::Result<TcpStream>>,
        above: impl FnOnce(TcpStream) -> A,
    ) -> Result<Self, Broken>
    where
        S: Stream,
        A: Future<Output = Result<S, Broken>>,
    {
        let addr = client.addr;
        let opening = async {
            let stream = reaching
                .await
                .map_err(|error| Broken::new(format!("connecting to {addr}: {error}")))?;
            stream.set_nodelay(true).map_err(Broken::new)?;
            let (sender, driver) = shake(client.version, above(stream).await?).await?;
            Ok(Self {
                addr,
                secure: client.secure,
                deadline: client.deadline,
                sender,
                driver,
            })
        };
        within(client.deadline, "connection", opening).await
    }

    /// Sends a request and reads its answer to the end.
    ///
    /// # Errors
    /// There is none in time, or the request cannot be written in HTTP.
    pub async fn exchange(&self, request: Request) -> Result<Response, Broken> {
        within(self.deadline, "answer", async {
            let started = Instant::now();
            let response = match &self.sender {
                Sender::Http1(sender) => {
                    let request = request.into_hyper(Version::Http1, self.addr, self.secure)?;
                    let mut sender = sender.lock().await;
                    sender.ready().await.map_err(explain)?;
                    sender.send_request(request).await
                }
                Sender::Http2(sender) => {
                    let request = request.into_hyper(Version::Http2, self.addr, self.secure)?;
                    sender.clone().send_request(request).await
                }
            };
            read(response.map_err(explain)?, started).await
        })
        .await
    }

    /// Whether the other side has closed it.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match &self.sender {
            Sender::Http1(sender) => sender.try_lock().is_ok_and(|sender| sender.is_closed()),
            Sender::Http2(sender) => sender.is_closed(),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

async fn shake(version: Version, stream: impl Stream) -> Result<(Sender, AbortHandle), Broken> {
    let shaken = match version {
        Version::Http1 => shake_http1(stream).await,
        Version::Http2 => shake_http2(stream).await,
    };
    shaken.map_err(explain)
}

async fn shake_http1(stream: impl Stream) -> hyper::Result<(Sender, AbortHandle)> {
    let (sender, connection) = http1::Builder::new()
        .max_headers(HEADER_COUNT)
        .max_header_size(HEADER_BYTES as usize)
        .max_buf_size(HEADER_BYTES as usize)
        .handshake(TokioIo::new(stream))
        .await?;
    let driver = tokio::spawn(connection).abort_handle();
    Ok((Sender::Http1(sender.into()), driver))
}

async fn shake_http2(stream: impl Stream) -> hyper::Result<(Sender, AbortHandle)> {
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .max_header_list_size(HEADER_BYTES)
        .handshake(TokioIo::new(stream))
        .await?;
    let driver = tokio::spawn(connection).abort_handle();
    Ok((Sender::Http2(sender), driver))
}

async fn read(response: hyper::Response<Incoming>, started: Instant) -> Result<Response, Broken> {
    let (head, body) = response.into_parts();
    let body = body.collect().await.map_err(explain)?;
    let trailers = body.trailers().map(fields).unwrap_or_default();
    Ok(Response {
        status: head.status.as_u16(),
        headers: fields(&head.headers),
        body: body.to_bytes().to_vec(),
        trailers,
        elapsed: started.elapsed(),
    })
}

async fn within<T>(
    deadline: Duration,
    what: &str,
    work: impl Future<Output = Result<T, Broken>>,
) -> Result<T, Broken> {
    tokio::time::timeout(deadline, work)
        .await
        .unwrap_or_else(|_| Err(Broken::new(format!("no {what} within {deadline:?}"))))
}

/// hyper's own message names the symptom, its sources the cause.
fn explain(error: hyper::Error) -> Broken {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    Broken::new(text)
}
