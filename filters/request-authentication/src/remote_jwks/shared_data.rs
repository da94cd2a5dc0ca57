//! What the VMs of a proxy share: how a ring reads it, and puts its own there.

use std::rc::Rc;

use sdk_helpers::{Timestamp, World};

use super::state::State;
use super::{Ring, fetch, log_once};
use crate::keys::KeySet;

impl Ring {
    /// Looks at the shared cells; whether anything is new there.
    pub fn look(&mut self, world: &dyn World) -> bool {
        let mut state = State::default();
        let _ = world.update(&self.state_cell, &mut |bytes| {
            state = State::decode(bytes);
            None
        });
        if state == self.seen {
            return false;
        }
        if state.next != self.seen.next || state.failures != self.seen.failures {
            self.early = false;
        }
        let known = self.keys.as_ref().map_or(0, |(_, hash)| *hash);
        self.seen = state;
        if state.keys != known && !self.read_keys(state.keys, world) {
            // They are looked for again, and fetched if nobody else does.
            self.seen.keys = known;
            self.early = true;
        }
        true
    }

    /// Reads the keys whose text has this hash, and no others: what a VM wrote that had lost its
    /// lease may be older, and have keys that were withdrawn since.
    fn read_keys(&mut self, hash: u64, world: &dyn World) -> bool {
        let mut text = Vec::new();
        let _ = world.update(&self.keys_cell, &mut |bytes| {
            text = bytes.unwrap_or_default().to_vec();
            None
        });
        // It was readable to whoever wrote it.
        match KeySet::read(&text) {
            Ok(read) if fetch::hash(&text) == hash => {
                self.keys = Some((Rc::new(read.set), hash));
                self.generation = self.generation.wrapping_add(1).max(1);
                self.refused.clear();
                true
            }
            _ => false,
        }
    }

    /// Puts a text where the others find it, unless somebody else has the lease by now.
    pub(super) fn publish(&self, owner: u64, text: Vec<u8>, world: &dyn World) {
        let mut holds = false;
        let _ = world.update(&self.state_cell, &mut |bytes| {
            holds = State::decode(bytes).owner == owner;
            None
        });
        if holds {
            let _ = world.update(&self.keys_cell, &mut |bytes| {
                (bytes != Some(text.as_slice())).then(|| text.clone())
            });
        }
    }

    /// Whether a line has not been told lately, by this VM or another.
    pub(super) fn is_news(&self, line: &str, now: Timestamp, world: &dyn World) -> bool {
        let mut news = false;
        let _ = world.update(&self.told_cell, &mut |bytes| {
            let told = log_once::tell(bytes, fetch::hash(line.as_bytes()), now);
            news = told.is_some();
            told
        });
        news
    }
}
