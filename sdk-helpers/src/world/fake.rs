//! A world that a test sets and then looks at.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::{Attributes, Contended, Roll, Step, Timestamp, World};

/// A host function of a test's making.
type HostFunction = Box<dyn Fn(&[u8]) -> Option<Vec<u8>>>;

/// A fake [`World`]. Set it, act, look at it.
#[derive(Default)]
pub struct FakeWorld {
    now: Cell<Timestamp>,
    monotonic: Cell<u64>,
    rolls: RefCell<VecDeque<Roll>>,
    active: Cell<u64>,
    properties: RefCell<HashMap<String, Vec<u8>>>,
    cells: RefCell<HashMap<String, Vec<u8>>>,
    functions: RefCell<HashMap<String, HostFunction>>,
    asked: RefCell<Vec<String>>,
    hides_stream: Cell<bool>,
}

impl FakeWorld {
    /// A world at the Unix epoch in which every roll is 0 and nothing else is known.
    pub fn new() -> Self {
        FakeWorld::default()
    }

    /// Sets the system's clock, which may step in either direction; the monotonic one stays.
    pub fn set_now(&self, now: Timestamp) {
        self.now.set(now);
    }

    /// Lets time pass on both clocks.
    pub fn advance(&self, by: Duration) {
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.monotonic
            .set(self.monotonic.get().saturating_add(nanos));
        self.now.set(self.now.get().saturating_add(by));
    }

    /// Queues rolls; when they are used up every roll is 0.
    pub fn set_rolls(&self, rolls: impl IntoIterator<Item = u32>) {
        *self.rolls.borrow_mut() = rolls.into_iter().map(|n| Roll::new(n.into())).collect();
    }

    /// Sets how many streams are held.
    pub fn set_active(&self, active: u64) {
        self.active.set(active);
    }

    /// Sets whether functions of the host see the stream; they do unless set.
    pub fn set_shows_stream(&self, shows: bool) {
        self.hides_stream.set(!shows);
    }

    /// Sets an attribute.
    pub fn set_property(&self, path: &[&str], value: impl Into<Vec<u8>>) {
        self.properties
            .borrow_mut()
            .insert(path.join("."), value.into());
    }

    /// Installs a host function.
    pub fn set_host_function(
        &self,
        name: &str,
        function: impl Fn(&[u8]) -> Option<Vec<u8>> + 'static,
    ) {
        self.functions
            .borrow_mut()
            .insert(name.to_owned(), Box::new(function));
    }

    /// The value of a shared cell.
    pub fn cell(&self, name: &str) -> Option<Vec<u8>> {
        self.cells.borrow().get(name).cloned()
    }

    /// Every attribute asked for so far, in order: what a request would cost.
    pub fn asked(&self) -> Vec<String> {
        self.asked.borrow().clone()
    }
}

impl Attributes for FakeWorld {
    fn property(&self, path: &[&str]) -> Option<Vec<u8>> {
        let path = path.join(".");
        self.asked.borrow_mut().push(path.clone());
        self.properties.borrow().get(&path).cloned()
    }
}

impl World for FakeWorld {
    fn now(&self) -> Timestamp {
        self.now.get()
    }

    fn monotonic(&self) -> u64 {
        self.monotonic.get()
    }

    fn roll(&self) -> Roll {
        self.rolls.borrow_mut().pop_front().unwrap_or(Roll::new(0))
    }

    fn active(&self) -> u64 {
        self.active.get()
    }

    fn update(&self, cell: &str, step: &mut Step<'_>) -> Result<(), Contended> {
        let mut cells = self.cells.borrow_mut();
        if let Some(value) = step(cells.get(cell).map(Vec::as_slice)) {
            cells.insert(cell.to_owned(), value);
        }
        Ok(())
    }

    fn shows_stream(&self) -> bool {
        !self.hides_stream.get()
    }

    fn host_function(&self, name: &str, argument: &[u8]) -> Option<Vec<u8>> {
        self.functions.borrow().get(name)?(argument)
    }
}
