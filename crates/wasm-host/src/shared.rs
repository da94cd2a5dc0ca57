//! What the workers of one process share, and every host call may touch. VMs are above it: it knows
//! how many there were, and none of them.

use super::clock::{Clock, Ticks};
use super::metrics::Metrics;
use super::queues::Queues;
use super::shared_data::SharedData;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) clock: Cell<Clock>,
    pub(crate) ticks: Cell<Ticks>,
    pub(crate) data: RefCell<SharedData>,
    pub(crate) metrics: RefCell<Metrics>,
    pub(crate) queues: RefCell<Queues>,
    pub(crate) unknown_clusters: RefCell<BTreeSet<String>>,
    vms: Cell<usize>,
}

impl Shared {
    /// The system clock, in nanoseconds.
    pub(crate) fn time(&self) -> u64 {
        self.clock.get().realtime
    }

    /// The clock that never steps, in nanoseconds.
    pub(crate) fn monotonic(&self) -> u64 {
        self.clock.get().monotonic
    }

    /// The number of the next VM: queues know their consumers by it.
    pub(crate) fn next_vm(&self) -> usize {
        let number = self.vms.get();
        self.vms.set(number.saturating_add(1));
        number
    }
}
