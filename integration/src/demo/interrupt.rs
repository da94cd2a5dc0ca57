//! Ctrl-C, being told to end, and a terminal that is closed.

use std::sync::mpsc::Sender;

use tokio::signal::unix::{SignalKind, signal};

use super::Event;
use crate::client::runtime::runtime;

/// Reports every such signal from now on, in place of ending the process at once.
pub(super) fn watch(events: Sender<Event>) {
    for (kind, number) in [
        (SignalKind::interrupt(), 2),
        (SignalKind::terminate(), 15),
        (SignalKind::hangup(), 1),
    ] {
        let _guard = runtime().enter();
        let mut signals = signal(kind).expect("a handler for a signal that can be handled");
        let events = events.clone();
        runtime().spawn(async move {
            while signals.recv().await.is_some() {
                let _ = events.send(Event::Interrupted(number));
            }
        });
    }
}
