//! The asynchronous runtime behind the client, which Envoy's launcher shares.

use std::future::Future;

use tokio::runtime::Runtime;

use crate::envoy::expect;

/// The runtime, started on first use.
pub(crate) fn runtime() -> &'static Runtime {
    expect(::envoy::runtime::runtime())
}

/// Waits for the future on the calling thread.
pub(crate) fn block_on<F>(future: F) -> F::Output
where
    F: Future + Send,
    F::Output: Send,
{
    expect(::envoy::runtime::block_on(future))
}
