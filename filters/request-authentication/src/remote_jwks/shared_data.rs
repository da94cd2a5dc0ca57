//! What the VMs of a proxy share: how it is read and written.

use std::rc::Rc;

use sdk_helpers::{Timestamp, World};

use super::state::SharedState;
use super::{RemoteJwks, fetch, log_once};
use crate::keys::KeySet;

impl RemoteJwks {
    /// Reads the shared state, and the keys if they changed; whether anything is new.
    pub fn read_shared(&mut self, world: &dyn World) -> bool {
        let mut state = SharedState::default();
        let _ = world.update(&self.state_key, &mut |bytes| {
            state = SharedState::decode(bytes);
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
            // They are read again, and fetched if no other VM does.
            self.seen.keys = known;
            self.early = true;
        }
        true
    }

    /// Reads the keys whose text has this hash, and no others: what a VM wrote that had lost its
    /// lease may be older, and have keys that were withdrawn since.
    fn read_keys(&mut self, hash: u64, world: &dyn World) -> bool {
        let mut text = Vec::new();
        let _ = world.update(&self.jwks_key, &mut |bytes| {
            text = bytes.unwrap_or_default().to_vec();
            None
        });
        // The VM that wrote it has read it.
        match KeySet::read(&text) {
            Ok(read) if fetch::hash(&text) == hash => {
                self.keys = Some((Rc::new(read.set), hash));
                self.generation = self.generation.wrapping_add(1).max(1);
                self.unknown_kids.clear();
                true
            }
            _ => false,
        }
    }

    /// Writes the text of a JWKS for the others, unless another VM has the lease by now.
    pub(super) fn publish(&self, owner: u64, text: Vec<u8>, world: &dyn World) {
        let mut holds = false;
        let _ = world.update(&self.state_key, &mut |bytes| {
            holds = SharedState::decode(bytes).owner == owner;
            None
        });
        if holds {
            let _ = world.update(&self.jwks_key, &mut |bytes| {
                (bytes != Some(text.as_slice())).then(|| text.clone())
            });
        }
    }

    /// Whether a warning is to be logged: it was not lately, by this VM or another.
    pub(super) fn may_log(&self, line: &str, now: Timestamp, world: &dyn World) -> bool {
        let mut first = false;
        let _ = world.update(&self.logged_key, &mut |bytes| {
            let logged = log_once::add(bytes, fetch::hash(line.as_bytes()), now);
            first = logged.is_some();
            logged
        });
        first
    }
}
