//! The server behind Envoy: it records what arrives and, unless told otherwise, echoes it.
//!
//! One port speaks HTTP/1.1 and HTTP/2 with prior knowledge. A handler turns it into any other
//! server a test needs, such as an authorization or a rate limit service over gRPC.

mod answer;
mod echo;
mod recorded;
mod serve;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

pub use answer::Answer;
pub use echo::echo;
pub use recorded::Recorded;

use ::envoy::raise_open_files;
use serve::State;

/// A server on a port of its own; it stops when dropped.
#[derive(Debug)]
pub struct Upstream {
    addr: SocketAddr,
    state: Arc<State>,
    runtime: Option<Runtime>,
}

impl Upstream {
    /// Echoes on a free port: see [`echo`].
    pub fn start() -> Self {
        Self::with(|request| echo(&request))
    }

    /// Answers with the handler on a free port. The handler may block: other requests go on.
    pub fn with(handler: impl Fn(Recorded) -> Answer + Send + Sync + 'static) -> Self {
        Self::at((Ipv4Addr::LOCALHOST, 0).into(), handler)
    }

    /// Answers with the handler at this address.
    pub fn at(
        addr: SocketAddr,
        handler: impl Fn(Recorded) -> Answer + Send + Sync + 'static,
    ) -> Self {
        raise_open_files();
        let listener = TcpListener::bind(addr)
            .unwrap_or_else(|error| panic!("the upstream cannot listen on {addr}: {error}"));
        listener
            .set_nonblocking(true)
            .expect("a listener that can be polled");
        let addr = listener
            .local_addr()
            .expect("the address of a bound listener");
        let state = Arc::new(State::new(handler));
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("upstream")
            .enable_all()
            .build()
            .expect("a runtime for the upstream");
        runtime.spawn(serve::accept(listener, state.clone()));
        Self {
            addr,
            state,
            runtime: Some(runtime),
        }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The requests so far, in the order in which they were complete.
    pub fn requests(&self) -> Vec<Recorded> {
        self.state.requests()
    }

    /// How many requests there were.
    pub fn count(&self) -> usize {
        self.state.count()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.state.forget();
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
