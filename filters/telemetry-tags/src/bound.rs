//! Ceilings on what Envoy would keep for ever: the values of a label, and all series together.
//!
//! A ceiling holds for all workers and as long as one of them lives. Who may exist is agreed upon in
//! shared cells, one for each that was admitted and one that counts them; each worker remembers what
//! it has seen, so only what is new to it asks.
//!
//! Several ceilings may stand over the same things, a lower one for those that matter less.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use sdk_helpers::World;

/// Cells of this filter: `<what>` counts, `<what>=<item>` stands for one that was admitted, and `<what>!`
/// says that the log has told of it. No name holds either sign, so no two of them are one.
pub(crate) const CELLS: &str = "mesh_filters.telemetry-tags";

/// Things that may be at most so many.
#[derive(Debug)]
pub struct Ceiling {
    /// Names the cells: `value.<label>` or `series`.
    what: String,
    most: u32,
    /// How often it was seen to be full in a row.
    full: Cell<u8>,
    /// Whether somebody has said so.
    told: Cell<bool>,
}

/// Nothing is ever freed, so what is full stays full. But while two workers admit the same item at once it
/// counts twice, so once does not say much.
const SURELY: u8 = 16;

impl Ceiling {
    /// At most `most` of `what`.
    pub fn new(what: String, most: u32) -> Self {
        Ceiling {
            what,
            most,
            full: Cell::new(0),
            told: Cell::new(false),
        }
    }

    /// How many there are.
    pub fn count(&self, world: &dyn World) -> u32 {
        let mut sum = 0;
        let _ = world.update(&self.cell(), &mut |there| {
            sum = count(there);
            None
        });
        sum
    }

    /// Whether nobody has said yet that it was reached, over all workers and configurations with this
    /// ceiling: true once.
    pub fn is_news(&self, world: &dyn World) -> bool {
        let mut news = false;
        if !self.told.replace(true) {
            let most = self.most.to_le_bytes();
            let _ = world.update(&format!("{}!", self.cell()), &mut |told| {
                news = told != Some(&most);
                news.then(|| most.to_vec())
            });
        }
        news
    }

    fn cell(&self) -> String {
        format!("{CELLS}.{}", self.what)
    }

    /// Whether `item` may exist. The answer never turns from yes to no.
    pub fn admits(&self, world: &dyn World, item: &str) -> bool {
        let counter = self.cell();
        let cell = format!("{counter}={item}");
        let mut known = false;
        let asked = world.update(&cell, &mut |there| {
            known = there.is_some();
            None
        });
        if known || asked.is_err() || self.full.get() == SURELY {
            return known;
        }
        if !self.take(world, &counter) {
            return false;
        }
        let mut created = false;
        let done = world.update(&cell, &mut |there| {
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
        self.full.set(seen.min(SURELY));
        taken && done.is_ok()
    }
}

fn count(cell: Option<&[u8]>) -> u32 {
    cell.and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u32::from_le_bytes)
}

/// A value of a [`Bound`], by its place.
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
    pub fn admit(&self, world: &dyn World, value: &str) -> Option<ValueId> {
        if value.is_empty() {
            return Some(ValueId::NONE);
        }
        for place in [self.last.get(), ValueId::OVERFLOW.0] {
            if self.with(ValueId(place), |known| known == value) {
                return Some(ValueId(place));
            }
        }
        if let Some(place) = self.known.borrow().get(value.as_bytes()) {
            self.last.set(*place);
            return Some(ValueId(*place));
        }
        if !self.ceiling.admits(world, value) {
            return None;
        }
        let mut values = self.values.borrow_mut();
        let place = u32::try_from(values.len()).unwrap_or_default();
        values.push(value.to_owned());
        let bytes = value.as_bytes().to_vec();
        self.known.borrow_mut().insert(bytes, place);
        self.last.set(place);
        Some(ValueId(place))
    }

    /// The value at a place.
    pub fn with<T>(&self, id: ValueId, see: impl FnOnce(&str) -> T) -> T {
        let values = self.values.borrow();
        see(values.get(id.0 as usize).map_or("", String::as_str))
    }
}
