//! The listeners of a replica.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};

use crate::handle::answer;
use crate::state::{Limits, State};
use crate::{Error, Workload};

/// Headers in HTTP/1.1: Envoy takes 100 at most and adds its own.
const MOST_HEADERS: usize = 256;
/// Bytes of headers: Envoy takes 60 KiB at most unless told.
const HEADER_BYTES: u32 = 256 << 10;

/// A replica that is served; it stops when dropped, and what it is answering then breaks off.
#[derive(Debug)]
pub struct Served {
    addresses: Vec<SocketAddr>,
    state: Arc<State>,
    tasks: Vec<AbortHandle>,
}

/// Serves a replica at each of these addresses, one for each of its ports; port 0 is a free one. It speaks HTTP/1.1 and,
/// without being asked first, HTTP/2.
///
/// # Errors
/// An address is taken, is none of this machine, or is not for this machine alone.
pub fn serve(
    runtime: &Handle,
    addresses: &[SocketAddr],
    workload: Workload,
) -> Result<Served, Error> {
    serve_within(runtime, addresses, workload, Limits::default())
}

pub(crate) fn serve_within(
    runtime: &Handle,
    addresses: &[SocketAddr],
    workload: Workload,
    limits: Limits,
) -> Result<Served, Error> {
    let _inside = runtime.enter();
    let state = Arc::new(State::new(workload, limits));
    let listeners = addresses.iter().map(|address| listen(*address));
    let listeners = listeners.collect::<Result<Vec<_>, Error>>()?;
    let connections = Arc::new(Semaphore::new(limits.connections));
    let mut served = Served {
        addresses: Vec::new(),
        state,
        tasks: Vec::new(),
    };
    for (address, listener) in listeners {
        served.addresses.push(address);
        let accepting = accept(listener, served.state.clone(), connections.clone());
        served.tasks.push(runtime.spawn(accepting).abort_handle());
    }
    Ok(served)
}

impl Served {
    /// Where it listens, in the order in which that was asked for.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// How many requests it has had.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.state.requests()
    }

    /// Is this workload from the next request on, at the same addresses.
    pub fn change(&self, workload: Workload) {
        self.state.change(workload);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

fn listen(address: SocketAddr) -> Result<(SocketAddr, tokio::net::TcpListener), Error> {
    let refuse = |problem: String| Error { address, problem };
    if !address.ip().is_loopback() {
        return Err(refuse(
            "the address is not of this machine alone".to_owned(),
        ));
    }
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((address, tokio::net::TcpListener::from_std(listener)?))
    });
    bound.map_err(|error| refuse(error.to_string()))
}

/// Takes connections until it is aborted, and they end with it.
async fn accept(listener: tokio::net::TcpListener, state: Arc<State>, connections: Arc<Semaphore>) {
    let mut all = JoinSet::new();
    loop {
        let Ok(permit) = connections.clone().acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            // Too many open files, most of the time: some are closed meanwhile.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        while all.try_join_next().is_some() {}
        let state = state.clone();
        all.spawn(async move {
            speak(stream, state).await;
            drop(permit);
        });
    }
}

async fn speak(stream: TcpStream, state: Arc<State>) {
    // What is not sent at once is sent later: no reason to refuse.
    let _ = stream.set_nodelay(true);
    let mut server = Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(state.limits.head)
        .max_headers(MOST_HEADERS);
    server.http2().max_header_list_size(HEADER_BYTES);
    let service = service_fn(move |request| answer(state.clone(), request));
    // A client that goes away, or speaks something else, is nobody's fault.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}
