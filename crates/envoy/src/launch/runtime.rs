//! The one asynchronous runtime behind the crate's blocking façades.
//!
//! It lives as long as the process: connections (the client's and the container engine's) keep
//! their background tasks here, and must not lose them when the first test ends.

use std::future::Future;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

/// The runtime, started on first use.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        super::limits::raise_open_files();
        Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("integration")
            .enable_all()
            .build()
            .expect("a runtime for the test client")
    })
}

/// Waits for the future on the calling thread.
pub fn block_on<F: Future>(future: F) -> F::Output {
    runtime().block_on(future)
}
