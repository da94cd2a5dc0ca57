//! The world of a filter, answered by the host.

use std::cell::Cell;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use super::host;
use crate::dice::Dice;
use sdk_helpers::world::{Attributes, Contended, Roll, Step, Timestamp, World};

/// Retries of a contended cell. With two workers on one cell a write succeeds after 1.8 attempts
/// on average; a cell that is still contended after so many is under a flood.
const ATTEMPTS: usize = 32;

/// What a filter may ask. It is there before its filter, which asks it while a configuration is
/// compiled.
#[derive(Debug)]
pub(super) struct EnvoyWorld {
    dice: Dice,
    /// The gauge of the streams that are delayed, once its configuration is in force.
    active: Cell<Option<u32>>,
}

impl EnvoyWorld {
    pub(super) fn new() -> Self {
        let seed = RandomState::new().build_hasher().finish();
        EnvoyWorld {
            dice: Dice::new(seed),
            active: Cell::new(None),
        }
    }

    /// A number that nobody else has.
    pub(super) fn unique(&self) -> u128 {
        u128::from(self.dice.throw()) << 64 | u128::from(self.dice.throw())
    }

    pub(super) fn set_active(&self, gauge: Option<u32>) {
        self.active.set(gauge);
    }

    pub(super) fn add_active(&self, by: i64) {
        if let Some(gauge) = self.active.get() {
            host::add_metric(gauge, by);
        }
    }
}

impl Attributes for EnvoyWorld {
    fn property(&self, path: &[&str]) -> Option<Vec<u8>> {
        host::property(path).ok()
    }
}

impl World for EnvoyWorld {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(host::now())
    }

    fn monotonic(&self) -> u64 {
        host::monotonic()
    }

    fn roll(&self) -> Roll {
        Roll::new(self.dice.throw())
    }

    /// Envoy keeps one gauge for the process, over all workers.
    fn active(&self) -> u64 {
        self.active.get().map_or(0, host::metric)
    }

    fn update(&self, cell: &str, step: &mut Step<'_>) -> Result<(), Contended> {
        for _ in 0..ATTEMPTS {
            let seen = host::cell(cell);
            let Some(value) = step(seen.value.as_deref()) else {
                return Ok(());
            };
            match host::replace_cell(cell, &seen, &value) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(_) => return Err(Contended),
            }
        }
        Err(Contended)
    }

    fn host_function(&self, name: &str, argument: &[u8]) -> Option<Vec<u8>> {
        host::host_function(name, argument).ok()
    }
}
