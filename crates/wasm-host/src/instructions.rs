//! How many instructions each callback has run, by the context it ran for.

use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct Instructions(BTreeMap<u32, BTreeMap<String, u64>>);

impl Instructions {
    pub(crate) fn add(&mut self, context: u32, callback: &str, used: u64) {
        let callbacks = self.0.entry(context).or_default();
        match callbacks.get_mut(callback) {
            Some(sum) => *sum = sum.saturating_add(used),
            None => drop(callbacks.insert(callback.to_owned(), used)),
        }
    }

    /// Of one context, by callback.
    pub(crate) fn of(&self, context: u32) -> BTreeMap<String, u64> {
        self.0.get(&context).cloned().unwrap_or_default()
    }

    /// Of all contexts together, by callback.
    pub(crate) fn all(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for (callback, used) in self.0.values().flatten() {
            let sum: &mut u64 = all.entry(callback.clone()).or_default();
            *sum = sum.saturating_add(*used);
        }
        all
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
