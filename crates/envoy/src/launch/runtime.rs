//! The one asynchronous runtime behind the crate's blocking façades.
//!
//! It lives as long as the process: connections, such as the container engine's, keep their
//! background tasks here, and must not lose them when the first server ends.

use std::future::Future;
use std::sync::OnceLock;
use std::thread;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::Error;

/// The runtime, started on first use.
///
/// # Errors
/// The operating system gives no threads for it.
pub fn runtime() -> Result<&'static Runtime, Error> {
    static RUNTIME: OnceLock<Result<Runtime, Error>> = OnceLock::new();
    let started = RUNTIME.get_or_init(|| {
        super::limits::raise_open_files();
        Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("envoy-launcher")
            .enable_all()
            .build()
            .map_err(|error| Error::program("the asynchronous runtime", error))
    });
    started.as_ref().map_err(Clone::clone)
}

/// Waits for the future on the calling thread, which may be one that runs asynchronous tasks.
///
/// # Errors
/// The operating system gives no threads.
pub fn block_on<F>(future: F) -> Result<F::Output, Error>
where
    F: Future + Send,
    F::Output: Send,
{
    let runtime = runtime()?;
    if Handle::try_current().is_err() {
        return Ok(runtime.block_on(future));
    }
    // tokio does not let a thread of a runtime wait for another runtime, so another one does.
    thread::scope(|scope| {
        let waiting = thread::Builder::new()
            .spawn_scoped(scope, || runtime.block_on(future))
            .map_err(|error| Error::program("a thread", error))?;
        Ok(waiting
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_may_be_waited_for_from_anywhere() {
        assert_eq!(block_on(async { 1 }), Ok(1));
        assert_eq!(block_on(async { block_on(async { 2 }) }), Ok(Ok(2)));
    }
}
