//! One process, as a test holds it: clocks, shared data, metrics, queues and clusters, and the VMs of
//! its workers, which it drives as time passes.
//!
//! Two hosts made in one world are two workers of one process.

use super::clock::{Ticks, nanos};
use super::shared::Shared;
use super::vm::Vm;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::time::Duration;

/// More queue callbacks than this in one go, and two modules are feeding each other for ever.
const MOST_QUEUE_EVENTS: usize = 100_000;

/// One process: share it between [`Host`](super::Host)s to have several workers.
#[derive(Clone, Default)]
pub struct World {
    shared: Rc<Shared>,
    vms: Rc<RefCell<BTreeMap<usize, Weak<RefCell<Vm>>>>>,
}

impl World {
    /// A world at the start of 2026 with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the system clock, forwards or backwards; the monotonic clock does not notice.
    pub fn set_time(&self, unix_ns: u64) {
        let mut clock = self.shared.clock.get();
        clock.realtime = unix_ns;
        self.shared.clock.set(clock);
    }

    /// The system clock, in nanoseconds.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.shared.time()
    }

    /// How exact timers are from now on.
    pub fn ticks(&self, ticks: Ticks) {
        self.shared.ticks.set(ticks);
    }

    /// Lets time pass, with every tick, call timeout and queue callback at its moment.
    pub fn advance(&self, by: Duration) {
        let end = self.shared.monotonic().saturating_add(nanos(by));
        self.run_queues();
        while let Some(due) = self.next_due().filter(|due| *due <= end) {
            self.move_to(due);
            for vm in self.living() {
                vm.borrow_mut().fire_timers();
            }
            self.run_queues();
        }
        self.move_to(end);
    }

    /// Delivers what was put into shared queues to the consumers, without moving the clock. Queues that
    /// never run dry are held against every module, and the rest stays in them.
    pub fn run_queues(&self) {
        for _ in 0..MOST_QUEUE_EVENTS {
            let Some((consumer, token)) = self.take_ready() else {
                return;
            };
            let vm = self.vms.borrow().get(&consumer.vm).and_then(Weak::upgrade);
            if let Some(vm) = vm {
                vm.borrow_mut().queue_ready(consumer.root, token);
            }
        }
        for vm in self.living() {
            let line = "shared queues do not run dry".to_owned();
            vm.borrow_mut().state_mut().violations.push(line);
        }
    }

    /// Takes a cluster away: calls to it fail at once, as for a name Envoy has never heard.
    pub fn unknown_cluster(&self, name: &str) {
        self.shared
            .unknown_clusters
            .borrow_mut()
            .insert(name.to_owned());
    }

    /// Gives a cluster back, as when it arrives by CDS.
    pub fn known_cluster(&self, name: &str) {
        self.shared.unknown_clusters.borrow_mut().remove(name);
    }

    /// A shared value and its version.
    #[must_use]
    pub fn shared_data(&self, vm_id: &str, key: impl AsRef<[u8]>) -> Option<(Vec<u8>, u32)> {
        self.shared.data.borrow().read(vm_id, key.as_ref())
    }

    /// Writes a shared value, whatever is there.
    pub fn set_shared_data(&self, vm_id: &str, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        let mut data = self.shared.data.borrow_mut();
        data.overwrite(vm_id, key.as_ref(), value.as_ref());
    }

    /// The shared keys of one `vm_id`: how a test sees that a key space is bounded.
    #[must_use]
    pub fn shared_keys(&self, vm_id: &str) -> Vec<Vec<u8>> {
        self.shared.data.borrow().keys(vm_id)
    }

    /// The value of a counter or gauge, if it was ever defined.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<u64> {
        self.shared.metrics.borrow().value(name)
    }

    /// Sets a gauge, as VMs of other workers would.
    pub fn set_metric(&self, name: &str, value: u64) {
        self.shared.metrics.borrow_mut().set_by_name(name, value);
    }

    /// The samples of a histogram, in the order in which they were recorded.
    #[must_use]
    pub fn histogram(&self, name: &str) -> Vec<u64> {
        self.shared.metrics.borrow().samples(name)
    }

    /// The names of all metrics.
    #[must_use]
    pub fn metric_names(&self) -> Vec<String> {
        self.shared.metrics.borrow().names()
    }

    pub(crate) fn shared(&self) -> Rc<Shared> {
        Rc::clone(&self.shared)
    }

    pub(crate) fn adopt(&self, vm: &Rc<RefCell<Vm>>) {
        let number = vm.borrow().state().index;
        self.vms.borrow_mut().insert(number, Rc::downgrade(vm));
    }

    fn living(&self) -> Vec<Rc<RefCell<Vm>>> {
        let vms = self.vms.borrow();
        vms.values().filter_map(Weak::upgrade).collect()
    }

    fn next_due(&self) -> Option<u64> {
        let vms = self.living();
        vms.iter().filter_map(|vm| vm.borrow().next_due()).min()
    }

    fn move_to(&self, monotonic: u64) {
        let mut clock = self.shared.clock.get();
        clock.move_to(monotonic);
        self.shared.clock.set(clock);
    }

    fn take_ready(&self) -> Option<(super::queues::Consumer, u32)> {
        self.shared.queues.borrow_mut().next_ready()
    }
}
