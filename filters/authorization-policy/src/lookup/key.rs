//! Under what a pattern is filed.

use sdk_helpers::matcher::{Cidr, Wildcard};

use crate::pattern::{Pattern, SPIFFE};

/// How a pattern is filed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Exact,
    Prefix,
    Suffix,
    BlockV4,
    BlockV6,
    Namespace,
    Account,
    Any,
}

/// FNV-1a, a byte at a time, so that the hash of every prefix is had on the way.
///
/// Without a key: what is filed comes of the configuration alone, and a request adds nothing to it. The worst that a
/// value made for it can meet is the fullest slot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hash(u64);

impl Hash {
    pub(super) const START: Hash = Hash(0xcbf2_9ce4_8422_2325);

    pub(super) fn byte(self, byte: u8) -> Self {
        Hash((self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
    }

    pub(super) fn bytes<'a>(self, bytes: impl IntoIterator<Item = &'a u8>) -> Self {
        bytes.into_iter().fold(self, |hash, byte| hash.byte(*byte))
    }

    /// Of a whole text, eight bytes at a time: of that the prefixes need not be had.
    pub(super) fn whole(text: &[u8], fold: Fold) -> Self {
        let Fold(bit) = fold;
        let mask = u64::from_le_bytes([bit; 8]);
        let mut hash = Hash(Hash::START.0 ^ text.len() as u64);
        let Some(last) = text.last_chunk() else {
            return hash.word(short(text) | mask);
        };
        let mut rest = text;
        while rest.len() > 8
            && let Some((word, more)) = rest.split_first_chunk()
        {
            hash = hash.word(u64::from_le_bytes(*word) | mask);
            rest = more;
        }
        // Some of its bytes may have been read before.
        hash.word(u64::from_le_bytes(*last) | mask)
    }

    /// Takes the upper half down, for a product brings nothing of it into the lower one.
    fn word(self, word: u64) -> Self {
        let mixed = (self.0 ^ word).wrapping_mul(MIX);
        Hash(mixed ^ (mixed >> 32))
    }

    /// Mixed, for FNV leaves its lower bits alike where only the last bytes differ.
    pub(super) fn of(self, kind: Kind) -> u64 {
        let mixed = (self.0 ^ ((kind as u64) << 56)).wrapping_mul(MIX);
        mixed ^ (mixed >> 32)
    }
}

/// Less than eight bytes as a number, which of two texts of one length is the same for equal ones alone.
fn short(text: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return u64::from(first) | (u64::from(last) << 32);
    }
    let bytes = text.iter().rev();
    bytes.fold(0, |word, byte| (word << 8) | u64::from(*byte))
}

/// An odd number without a pattern.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// Whether the case of a text counts: the bit that is set in every byte. Letters lose their case by it, and a few
/// other bytes their difference, which costs a comparison like any collision.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fold(u8);

impl Fold {
    pub(super) fn new(fold: bool) -> Self {
        Fold(if fold { 0x20 } else { 0 })
    }

    pub(super) fn byte(self, byte: u8) -> u8 {
        byte | self.0
    }
}

/// Under what a pattern is filed, and how many of all values it may let through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LookupKey {
    pub(super) hash: u64,
    pub(super) kind: Kind,
    pub(super) length: usize,
    /// 1 for one that matches a single value, more for less choosy ones.
    pub(crate) weight: u32,
}

impl LookupKey {
    /// The key to file a pattern under, where it has one. `fold` takes texts without regard to
    /// ASCII case.
    pub(crate) fn of(pattern: &Pattern, fold: bool) -> Option<Self> {
        let text = |kind, bytes: &[u8]| Some(LookupKey::text(kind, bytes, fold));
        match pattern {
            Pattern::Text(text) | Pattern::Element(text) => Some(LookupKey::wildcard(text, fold)),
            Pattern::Template(template) => text(Kind::Prefix, &template.literal_start()),
            Pattern::PrincipalEnd(end) => text(Kind::Suffix, end),
            Pattern::Namespace(parts) => match &**parts {
                [whole] if !whole.contains(&b'/') => text(Kind::Namespace, whole),
                _ => None,
            },
            Pattern::Account { namespace, name } => {
                let hash = account(namespace, name);
                Some(LookupKey {
                    hash,
                    kind: Kind::Account,
                    length: 0,
                    weight: 1,
                })
            }
            Pattern::TrustDomain { start, .. } => text(Kind::Prefix, &[SPIFFE, start].concat()),
            Pattern::Token(issuer, subject) => {
                // Of `<issuer>/<subject>`.
                match (issuer, subject) {
                    (Wildcard::Exact(issuer), Wildcard::Exact(subject)) => {
                        text(Kind::Exact, &[issuer, &b"/"[..], subject].concat())
                    }
                    (Wildcard::Exact(issuer), Wildcard::Prefix(subject)) => {
                        text(Kind::Prefix, &[issuer, &b"/"[..], subject].concat())
                    }
                    (Wildcard::Exact(issuer), _) => {
                        text(Kind::Prefix, &[issuer, &b"/"[..]].concat())
                    }
                    (Wildcard::Prefix(issuer), _) => text(Kind::Prefix, issuer),
                    (Wildcard::Suffix(issuer), Wildcard::Exact(subject)) => {
                        text(Kind::Suffix, &[issuer, &b"/"[..], subject].concat())
                    }
                    (_, Wildcard::Exact(subject)) => {
                        text(Kind::Suffix, &[&b"/"[..], subject].concat())
                    }
                    (_, Wildcard::Suffix(subject)) => text(Kind::Suffix, subject),
                    _ => Some(LookupKey::wildcard(&Wildcard::Any, false)),
                }
            }
            Pattern::Block(block) => Some(LookupKey::block(block)),
            Pattern::Port(port) => text(Kind::Exact, &port.to_be_bytes()),
        }
    }

    fn wildcard(text: &Wildcard, fold: bool) -> Self {
        match text {
            Wildcard::Any => LookupKey {
                hash: Hash::START.of(Kind::Any),
                kind: Kind::Any,
                length: 0,
                weight: 5000,
            },
            Wildcard::Exact(text) => LookupKey::text(Kind::Exact, text, fold),
            Wildcard::Prefix(text) => LookupKey::text(Kind::Prefix, text, fold),
            Wildcard::Suffix(text) => LookupKey::text(Kind::Suffix, text, fold),
        }
    }

    fn text(kind: Kind, text: &[u8], fold: bool) -> Self {
        let fold = Fold::new(fold);
        let folded = |hash: Hash, byte: &u8| hash.byte(fold.byte(*byte));
        let hash = match kind {
            Kind::Exact => Hash::whole(text, fold),
            Kind::Suffix => text.iter().rev().fold(Hash::START, folded),
            _ => text.iter().fold(Hash::START, folded),
        };
        // A short beginning is shared by many values.
        let weight = match (kind, text.len()) {
            (Kind::Prefix | Kind::Suffix, 0..=1) => 1000,
            (Kind::Prefix | Kind::Suffix, 2..=4) => 50,
            (Kind::Prefix | Kind::Suffix, _) => 4,
            _ => 1,
        };
        LookupKey {
            hash: hash.of(kind),
            kind,
            length: text.len(),
            weight,
        }
    }

    fn block(block: &Cidr) -> Self {
        let (kind, most) = match block.is_v6() {
            false => (Kind::BlockV4, 32),
            true => (Kind::BlockV6, 128),
        };
        LookupKey {
            hash: block_hash(kind, block),
            kind,
            length: block.bits().into(),
            // Doubled with every bit that is free, as far as that says anything.
            weight: 1 << (most - block.bits().min(most)).min(12),
        }
    }

    /// What tells it from all others, but for collisions.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }
}

pub(super) fn account(namespace: &[u8], name: &[u8]) -> u64 {
    Hash::START
        .bytes(namespace)
        .byte(b'/')
        .bytes(name)
        .of(Kind::Account)
}

pub(super) fn block_hash(kind: Kind, block: &Cidr) -> u64 {
    Hash::START
        .byte(block.bits())
        .bytes(&block.first())
        .of(kind)
}
