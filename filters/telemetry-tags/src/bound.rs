//! Ceilings on what Envoy would keep for ever: the values of a label, and all series together.
//!
//! A ceiling holds for all workers and as long as one of them lives. They agree in Envoy's shared data
//! on what may exist: under one key for each item that was admitted, and one for their number. Each
//! worker remembers what it has seen, so only what is new to it asks.
//!
//! Several ceilings may stand over the same things, a lower one for those that matter less.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use sdk_helpers::World;
use sdk_helpers::text::same;

/// What this filter's keys in shared data begin with. Under `<what>` is a number, under `<what>=<item>` an
/// item that was admitted, and under `<what>!` that the log has told of the ceiling. No name holds
/// either sign, so no two keys are the same.
pub(crate) const SHARED_DATA: &str = "mesh_filters.telemetry-tags";

/// A limit on how many of something there may be.
#[derive(Debug)]
pub struct Ceiling {
    /// `value.<label>` or `series`.
    what: String,
    most: u32,
    /// How often in a row it was seen to be full.
    full: Cell<u8>,
    /// Whether this worker has looked if the log tells of it.
    warned: Cell<bool>,
}

/// How often in a row a ceiling must be seen to be full until that is believed. Nothing is ever freed, so what is
/// full stays full; but while two workers admit the same item at once it counts twice.
const CONFIRMATIONS: u8 = 16;

impl Ceiling {
    /// At most `most` of `what`.
    pub fn new(what: String, most: u32) -> Self {
        Ceiling {
            what,
            most,
            full: Cell::new(0),
            warned: Cell::new(false),
        }
    }

    /// How many there are.
    pub fn count(&self, world: &dyn World) -> u32 {
        let mut sum = 0;
        let _ = world.update(&self.counter_key(), &mut |there| {
            sum = count(there);
            None
        });
        sum
    }

    /// Whether the log is to tell that it was reached: true once, over all workers and configurations with
    /// this ceiling.
    pub fn is_first_warning(&self, world: &dyn World) -> bool {
        let mut first = false;
        if !self.warned.replace(true) {
            let most = self.most.to_le_bytes();
            let _ = world.update(&format!("{}!", self.counter_key()), &mut |warned| {
                first = warned != Some(&most);
                first.then(|| most.to_vec())
            });
        }
        first
    }

    fn counter_key(&self) -> String {
        format!("{SHARED_DATA}.{}", self.what)
    }

    /// Whether `item` may exist. The answer never turns from yes to no.
    pub fn admits(&self, world: &dyn World, item: &str) -> bool {
        let counter = self.counter_key();
        let key = format!("{counter}={item}");
        let mut known = false;
        let asked = world.update(&key, &mut |there| {
            known = there.is_some();
            None
        });
        if known || asked.is_err() || self.full.get() == CONFIRMATIONS {
            return known;
        }
        if !self.take(world, &counter) {
            return false;
        }
        let mut created = false;
        let done = world.update(&key, &mut |there| {
            created = there.is_none();
            created.then(|| vec![1])
        });
        if done.is_err() || !created {
            // Another worker was faster and has counted it.
            let _ = world.update(&counter, &mut |there| {
                Some(count(there).saturating_sub(1).to_le_bytes().to_vec())
            });
        }
        done.is_ok()
    }

    fn take(&self, world: &dyn World, counter: &str) -> bool {
        let mut taken = false;
        let done = world.update(counter, &mut |there| {
            let sum = count(there).saturating_add(1);
            taken = sum <= self.most;
            taken.then(|| sum.to_le_bytes().to_vec())
        });
        let seen = if taken {
            0
        } else {
            self.full.get().saturating_add(1)
        };
        self.full.set(seen.min(CONFIRMATIONS));
        taken && done.is_ok()
    }
}

fn count(there: Option<&[u8]>) -> u32 {
    there
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u32::from_le_bytes)
}

/// A value of a [`Bound`], by its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueId(u32);

impl ValueId {
    /// What stands for every value beyond the ceiling.
    pub const OVERFLOW: ValueId = ValueId(0);
    /// No value.
    pub const NONE: ValueId = ValueId(1);

    /// From the key of a series.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        ValueId(bytes.try_into().map_or(1, u32::from_le_bytes))
    }

    /// For the key of a series.
    pub fn to_bytes(self) -> [u8; 4] {
        self.0.to_le_bytes()
    }
}

/// The values that one label may have.
#[derive(Debug)]
pub struct Bound {
    /// Over their number.
    pub ceiling: Ceiling,
    known: RefCell<HashMap<Vec<u8>, u32>>,
    values: RefCell<Vec<String>>,
    /// The one asked for last, which is mostly asked for next.
    last: Cell<u32>,
}

impl Bound {
    /// For a label of this name.
    pub fn new(label: &str, most: u32, overflow: String) -> Self {
        Bound {
            ceiling: Ceiling::new(format!("value.{label}"), most),
            known: RefCell::default(),
            values: RefCell::new(vec![overflow, String::new()]),
            last: Cell::new(ValueId::NONE.0),
        }
    }

    /// The place of a clean value; `None` for one beyond the ceiling.
    pub fn admit(&self, world: &dyn World, value: &[u8]) -> Option<ValueId> {
        if value.is_empty() {
            return Some(ValueId::NONE);
        }
        for place in [self.last.get(), ValueId::OVERFLOW.0] {
            if self.with(ValueId(place), |known| same(known.as_bytes(), value)) {
                return Some(ValueId(place));
            }
        }
        if let Some(place) = self.known.borrow().get(value) {
            self.last.set(*place);
            return Some(ValueId(*place));
        }
        let text = String::from_utf8_lossy(value);
        if !self.ceiling.admits(world, &text) {
            return None;
        }
        let mut values = self.values.borrow_mut();
        let place = u32::try_from(values.len()).unwrap_or_default();
        values.push(text.into_owned());
        self.known.borrow_mut().insert(value.to_vec(), place);
        self.last.set(place);
        Some(ValueId(place))
    }

    /// The value at a place.
    pub fn with<T>(&self, id: ValueId, see: impl FnOnce(&str) -> T) -> T {
        let values = self.values.borrow();
        see(values.get(id.0 as usize).map_or("", String::as_str))
    }
}
