//! The connections to whom a workload calls, which are kept for the next call.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;

use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::state::lock;

type Sender = SendRequest<Empty<Bytes>>;

/// As many as are kept for each address.
const KEPT: usize = 64;

/// Connections that nobody uses at the moment.
#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<BTreeMap<SocketAddr, Vec<Sender>>>);

/// A connection whose answer is being read.
#[derive(Debug)]
pub(crate) struct Used {
    address: SocketAddr,
    sender: Sender,
}

impl Pool {
    /// Sends a request. Whoever has read the answer to its end hands the connection back.
    pub(crate) async fn send(
        &self,
        address: SocketAddr,
        mut request: Request<Empty<Bytes>>,
    ) -> Result<(Response<Incoming>, Used), String> {
        while let Some(mut sender) = self.take(address) {
            if sender.ready().await.is_err() {
                continue;
            }
            match sender.try_send_request(request).await {
                Ok(response) => return Ok((response, Used { address, sender })),
                // The other side closed it at the same moment, and has not seen the request.
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(explain(&failed.into_error())),
                },
            }
        }
        let mut sender = open(address).await?;
        let response = sender.send_request(request).await;
        let response = response.map_err(|error| explain(&error))?;
        Ok((response, Used { address, sender }))
    }

    pub(crate) fn give_back(&self, used: Used) {
        let mut all = lock(&self.0);
        let kept = all.entry(used.address).or_default();
        if kept.len() < KEPT && !used.sender.is_closed() {
            kept.push(used.sender);
        }
    }

    fn take(&self, address: SocketAddr) -> Option<Sender> {
        lock(&self.0).get_mut(&address)?.pop()
    }
}

async fn open(address: SocketAddr) -> Result<Sender, String> {
    let refuse = |problem: &dyn std::fmt::Display| format!("connecting to {address}: {problem}");
    let stream = TcpStream::connect(address).await;
    let stream = stream.map_err(|error| refuse(&error))?;
    stream.set_nodelay(true).map_err(|error| refuse(&error))?;
    let shaken = http1::handshake(TokioIo::new(stream)).await;
    let (sender, connection) = shaken.map_err(|error| refuse(&error))?;
    // It ends with its sender.
    tokio::spawn(connection);
    Ok(sender)
}

/// hyper's own message names the symptom, its sources the cause.
pub(crate) fn explain(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
