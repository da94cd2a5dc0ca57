//! The world that a configuration is loaded in to see whether it is one: a clock, and no proxy.

use sdk_helpers::world::Step;
use sdk_helpers::{Attributes, Contended, Roll, Timestamp, World};

/// No stream, no node, no other worker, no functions of Envoy's.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProxy {
    /// What its clock shows.
    pub now: Timestamp,
}

impl Attributes for NoProxy {
    fn property(&self, _path: &[&str]) -> Option<Vec<u8>> {
        None
    }
}

impl World for NoProxy {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn monotonic(&self) -> u64 {
        0
    }

    fn roll(&self) -> Roll {
        Roll::new(0)
    }

    fn active(&self) -> u64 {
        0
    }

    fn update(&self, _cell: &str, step: &mut Step<'_>) -> Result<(), Contended> {
        let _ = step(None);
        Ok(())
    }

    fn host_function(&self, _name: &str, _argument: &[u8]) -> Option<Vec<u8>> {
        None
    }
}
