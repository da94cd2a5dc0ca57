//! Shared data: one map for all workers, with Envoy's version numbers.
//!
//! Two habits of Envoy decide what a limiter may rely on, and both are kept: version numbers come
//! from one counter for all keys, and a write to an absent key never looks at the version given.

use super::status::Status;
use std::collections::BTreeMap;

/// Every shared key of every `vm_id`.
#[derive(Default)]
pub(crate) struct SharedData {
    cells: BTreeMap<(String, Vec<u8>), (Vec<u8>, u32)>,
    last_version: u32,
}

impl SharedData {
    pub(crate) fn read(&self, vm_id: &str, key: &[u8]) -> Option<(Vec<u8>, u32)> {
        self.cells.get(&(vm_id.to_owned(), key.to_vec())).cloned()
    }

    /// Writes `key`; a `version` of 0 overwrites whatever is there.
    pub(crate) fn write(
        &mut self,
        vm_id: &str,
        key: &[u8],
        value: &[u8],
        version: u32,
    ) -> Result<(), Status> {
        let place = (vm_id.to_owned(), key.to_vec());
        if let Some((_, present)) = self.cells.get(&place)
            && version != 0
            && version != *present
        {
            return Err(Status::CasMismatch);
        }
        self.overwrite(vm_id, key, value);
        Ok(())
    }

    /// Writes `key`, whatever is there.
    pub(crate) fn overwrite(&mut self, vm_id: &str, key: &[u8], value: &[u8]) {
        self.last_version = self.last_version.wrapping_add(1);
        let place = (vm_id.to_owned(), key.to_vec());
        let cell = (value.to_vec(), self.last_version);
        self.cells.insert(place, cell);
    }

    /// The keys of one `vm_id`, which no module can list but a test may.
    pub(crate) fn keys(&self, vm_id: &str) -> Vec<Vec<u8>> {
        let of_vm = self.cells.keys().filter(|(id, _)| id == vm_id);
        of_vm.map(|(_, key)| key.clone()).collect()
    }
}
