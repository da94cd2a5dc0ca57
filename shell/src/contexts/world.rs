//! The world of a filter, answered by the host.

use super::host;
use super::root::Shared;
use sdk_helpers::filter::Filter;
use sdk_helpers::world::{Contended, Facts, Roll, Step, Timestamp, World};

/// Retries of a contended cell. With two workers on one cell a write succeeds after 1.8 attempts
/// on average; a cell that is still contended after so many is under a flood.
const ATTEMPTS: usize = 32;

impl<F: Filter> Facts for Shared<F> {
    fn property(&self, path: &[&str]) -> Option<Vec<u8>> {
        host::property(path).ok()
    }
}

impl<F: Filter> World for Shared<F> {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(host::now())
    }

    fn monotonic(&self) -> u64 {
        host::monotonic()
    }

    fn roll(&self) -> Roll {
        Roll::new(self.dice.borrow_mut().u64(..))
    }

    fn active(&self) -> u64 {
        self.metrics.active()
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
