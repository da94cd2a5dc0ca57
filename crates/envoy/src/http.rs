//! What is asked over HTTP while servers are started and watched: one page, in plain HTTP/1.1, of a
//! server on this machine.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::launch::runtime::block_on;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A page as it came.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    /// Bytes that are not UTF-8 are replaced.
    pub(crate) text: String,
}

/// Asks for a page, over a connection of its own; says why there is none.
pub(crate) fn ask(
    addr: SocketAddr,
    method: &str,
    path: &str,
    deadline: Duration,
) -> Result<Page, String> {
    let asking = async { tokio::time::timeout(deadline, exchange(addr, method, path)).await };
    match block_on(asking).map_err(|error| error.to_string())? {
        Ok(page) => page.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {deadline:?}")),
    }
}

async fn exchange(addr: SocketAddr, method: &str, path: &str) -> Result<Page, Failure> {
    let stream = TcpStream::connect(addr).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let request = hyper::Request::builder()
        .method(method)
        .uri(path)
        .header("host", addr.to_string())
        .body(String::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    driver.abort();
    let text = String::from_utf8_lossy(&body).into_owned();
    Ok(Page { status, text })
}
