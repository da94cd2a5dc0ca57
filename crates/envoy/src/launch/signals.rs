//! Ctrl-C, being told to end, and a terminal that is closed.

use std::process::exit;

use tokio::signal::unix::{SignalKind, signal};

use super::{leftovers, runtime};
use crate::Error;

/// From now on each of them ends this process once nothing is left of what it started: no Envoy, no folder. The exit
/// code is 128 and the number of the signal, as a shell has it.
///
/// # Errors
/// The operating system gives no threads, or no handler.
pub fn end_on_signals() -> Result<(), Error> {
    on_signals(|number| {
        leftovers::clean_own();
        exit(128 + number);
    })
}

/// From now on each of them does this, with its number, every time.
///
/// # Errors
/// The operating system gives no threads, or no handler.
pub fn on_signals(act: impl Fn(i32) + Clone + Send + 'static) -> Result<(), Error> {
    let runtime = runtime::runtime()?;
    let _inside = runtime.enter();
    for (kind, number) in [
        (SignalKind::interrupt(), 2),
        (SignalKind::terminate(), 15),
        (SignalKind::hangup(), 1),
    ] {
        let signals = signal(kind);
        let mut signals =
            signals.map_err(|error| Error::program("the handler of signals", error))?;
        let act = act.clone();
        runtime.spawn(async move {
            while signals.recv().await.is_some() {
                act(number);
            }
        });
    }
    Ok(())
}
