//! Which of very many patterns a value may match, for the price of reading the value once.
//!
//! Every pattern that can be found is filed under a hash of its literal text; a value is hashed from
//! the front (prefixes), from the back (suffixes) and as a whole (exact texts), and looked up at just
//! those lengths that some pattern has. A hash names candidates, nothing more: the caller compares them
//! with the value afterwards, so that a collision costs a comparison and never a decision.

mod key;

use sdk_helpers::matcher::Address;

use crate::pattern::{Pattern, Value, each_account, each_namespace};
pub(crate) use key::LookupKey;
use key::{Fold, Hash, Kind, account, block_hash};

/// Candidates by value.
#[derive(Debug, Default)]
pub(crate) struct Lookup {
    /// Each with the next one of its slot.
    entries: Vec<Entry>,
    /// The first entry of each slot; a power of two of them.
    slots: Vec<u32>,
    exact: Lengths,
    prefix: Lengths,
    suffix: Lengths,
    v4: Lengths,
    v6: Lengths,
    namespaces: bool,
    accounts: bool,
    any: bool,
    any_name: bool,
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    id: u32,
    next: u32,
}

/// No entry.
const NONE: u32 = u32::MAX;

/// A set of lengths.
#[derive(Debug, Default)]
struct Lengths(Vec<bool>);

impl Lengths {
    fn add(&mut self, length: usize) {
        if self.0.len() <= length {
            self.0.resize(length.saturating_add(1), false);
        }
        if let Some(here) = self.0.get_mut(length) {
            *here = true;
        }
    }

    fn has(&self, length: usize) -> bool {
        self.0.get(length).copied().unwrap_or(false)
    }

    /// Whether each length from 1 on is in it.
    fn beyond_none(&self) -> &[bool] {
        self.0.get(1..).unwrap_or_default()
    }

    /// One more than the longest.
    fn end(&self) -> usize {
        self.0.len()
    }
}

impl Lookup {
    /// Files `id` under a key of `pattern`. Ids of one key are found in the order they were filed.
    pub(crate) fn file(&mut self, key: &LookupKey, pattern: &Pattern, id: u32) {
        self.any_name |= pattern.takes_any_name();
        match key.kind {
            Kind::Exact => self.exact.add(key.length),
            Kind::Prefix => self.prefix.add(key.length),
            Kind::Suffix => self.suffix.add(key.length),
            Kind::BlockV4 => self.v4.add(key.length),
            Kind::BlockV6 => self.v6.add(key.length),
            Kind::Namespace => self.namespaces = true,
            Kind::Account => self.accounts = true,
            Kind::Any => self.any = true,
        }
        self.entries.push(Entry {
            hash: key.hash,
            id,
            next: NONE,
        });
    }

    /// Makes what was filed findable.
    pub(crate) fn finish(&mut self) {
        let slots = self.entries.len().next_power_of_two();
        self.slots = vec![NONE; slots];
        self.slots.shrink_to_fit();
        // From the last to the first, for each is put before those of its slot.
        for index in (0..self.entries.len()).rev() {
            let Some(entry) = self.entries.get_mut(index) else {
                continue;
            };
            let slot = slot(entry.hash, slots);
            if let Some(first) = self.slots.get_mut(slot) {
                entry.next = *first;
                *first = u32::try_from(index).unwrap_or(NONE);
            }
        }
    }

    /// Whether a name that is no SPIFFE id may match something here.
    pub(crate) fn takes_any_name(&self) -> bool {
        self.any_name
    }

    /// Shows the ids whose patterns may match, until told that it is enough.
    pub(crate) fn find(&self, value: Value<'_>, enough: &mut dyn FnMut(u32) -> bool) -> bool {
        self.keys(value, &mut |hash| self.ids(hash).any(&mut *enough))
    }

    /// The ids filed under a key, in the order they were filed.
    pub(crate) fn ids(&self, hash: u64) -> impl Iterator<Item = u32> {
        let first = self.slots.get(slot(hash, self.slots.len())).copied();
        let entry = |next: u32| self.entries.get(next as usize);
        std::iter::successors(first.and_then(entry), move |last| entry(last.next))
            .filter(move |entry| entry.hash == hash)
            .map(|entry| entry.id)
    }

    /// Shows the keys that a value may be filed under, until told that it is enough.
    pub(crate) fn keys(&self, value: Value<'_>, enough: &mut dyn FnMut(u64) -> bool) -> bool {
        if self.any && enough(Hash::START.of(Kind::Any)) {
            return true;
        }
        match value {
            Value::Text(text) => self.text(text, false, enough) || self.identity(text, enough),
            Value::Header(text) | Value::Element(text) => self.text(text, false, enough),
            Value::Host(text) => self.text(text, true, enough),
            Value::Token(issuer, subject) => {
                self.text(&[issuer, b"/", subject].concat(), false, enough)
            }
            Value::Port(port) => self.text(&port.to_be_bytes(), false, enough),
            Value::Address(address) => self.address(address, enough),
        }
    }

    fn text(&self, text: &[u8], fold: bool, enough: &mut dyn FnMut(u64) -> bool) -> bool {
        let fold = Fold::new(fold);
        let mut hash = Hash::START;
        if self.prefix.has(0) && enough(hash.of(Kind::Prefix)) {
            return true;
        }
        for (byte, filed) in text.iter().zip(self.prefix.beyond_none()) {
            hash = hash.byte(fold.byte(*byte));
            if *filed && enough(hash.of(Kind::Prefix)) {
                return true;
            }
        }
        if self.exact.has(text.len()) && enough(Hash::whole(text, fold).of(Kind::Exact)) {
            return true;
        }
        let mut hash = Hash::START;
        for (byte, filed) in text.iter().rev().zip(self.suffix.beyond_none()) {
            hash = hash.byte(fold.byte(*byte));
            if *filed && enough(hash.of(Kind::Suffix)) {
                return true;
            }
        }
        false
    }

    fn identity(&self, text: &[u8], enough: &mut dyn FnMut(u64) -> bool) -> bool {
        if self.namespaces
            && each_namespace(text, &mut |tail| {
                let mut parts = tail.splitn(2, |byte| *byte == b'/');
                match (parts.next(), parts.next()) {
                    (Some(namespace), Some(_)) => {
                        let hash = Hash::START.bytes(namespace).of(Kind::Namespace);
                        enough(hash)
                    }
                    _ => false,
                }
            })
        {
            return true;
        }
        self.accounts
            && each_account(text, &mut |namespace, name| {
                enough(account(namespace, name))
            })
    }

    fn address(&self, address: Address, enough: &mut dyn FnMut(u64) -> bool) -> bool {
        let (kind, lengths) = match address.is_v6() {
            false => (Kind::BlockV4, &self.v4),
            true => (Kind::BlockV6, &self.v6),
        };
        (0u8..=128)
            .take_while(|bits| usize::from(*bits) < lengths.end())
            .filter(|bits| lengths.has((*bits).into()))
            .any(|bits| enough(block_hash(kind, &address.block(bits))))
    }
}

fn slot(hash: u64, slots: usize) -> usize {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the lower bits are the slot"
    )]
    let low = hash as usize;
    low & slots.wrapping_sub(1)
}
