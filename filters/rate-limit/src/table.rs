//! Where a bucket is kept: the cells that all workers share, and their layout.
//!
//! Nothing in Envoy's shared data is ever freed, so the keys of a limit live in a fixed number of
//! *sets*. A set is one cell of eight *ways* and an overflow bucket; a key belongs to one set and
//! may sit in any way of it. A way is taken over only when its bucket is full again, and a full
//! bucket is no different from one that was never used, so that no key ever gets more than its
//! limit by being forgotten. A key that finds no way draws on the overflow bucket together with all
//! others in that position: less than its own limit, never more. When a way becomes free for it, its
//! bucket there is no fuller than the overflow bucket is, for it may have taken all of that itself.
//!
//! Keys are told apart by a 128-bit SipHash whose seed no client knows, so no client can aim keys at
//! one set, and no header value or claim is stored.

use std::borrow::Cow;
use std::hash::Hasher as _;
use std::rc::Rc;

use siphasher::sip128::{Hasher128 as _, SipHasher13};

/// Keys that have a bucket of their own in one cell.
pub const WAYS: usize = 8;

/// A way: the key's hash, then its bucket's full time.
const TAG: usize = 16;
const WAY: usize = TAG + 8;
const SET: usize = WAYS * WAY + 8;

/// Which of a limit's buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    /// The one of a limit without a key.
    Only,
    /// The one that all requests share which lack a part of the key.
    Shared,
    /// A key's own.
    Key(u128),
}

/// Where all workers of a proxy find the same buckets: it hashes keys and names cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySpace {
    /// The seed of the hash, chosen once for the process.
    pub seed: [u8; 16],
    /// Of each limit, where it is counted here.
    pub cells: Vec<Option<LimitCells>>,
}

/// The cells of a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitCells {
    /// Of what it enforces.
    pub live: Cells,
    /// Of what is only tried out beside it.
    pub candidate: Option<Cells>,
}

/// The names of cells, as every worker has them: the limit's and the plugin's name are in them, so that
/// two limits, and two plugins, keep their buckets apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cells {
    /// Of a limit without a key, which has one.
    One(Box<str>),
    /// Of a limit with one.
    Table {
        /// That of [`Bucket::Shared`].
        shared: Box<str>,
        /// What the names of the sets begin with.
        sets: Box<str>,
        /// What they end with.
        plugin: Rc<str>,
        /// How many there are.
        count: u32,
    },
}

impl KeySpace {
    /// Hashes the parts of a key. `domain` keeps keys of one kind from being those of another.
    #[inline(never)]
    pub fn hash(&self, domain: u8, parts: &[impl AsRef<[u8]>]) -> u128 {
        let mut hasher = SipHasher13::new_with_key(&self.seed);
        hasher.write(&[domain]);
        for part in parts {
            let part = part.as_ref();
            // With its length, so that no two lists of parts are the same bytes.
            hasher.write(&(part.len() as u64).to_le_bytes());
            hasher.write(part);
        }
        hasher.finish128().into()
    }
}

impl Cells {
    /// Those of the limit `name`, whose keys, where it has a key, are in so many sets. `candidate` is
    /// what is only tried out, and has cells of its own.
    pub fn new(plugin: &Rc<str>, name: &str, candidate: bool, sets: Option<u32>) -> Self {
        // Neither a limit's name nor what follows it holds a colon, so the last part, which may,
        // cannot be mistaken for another's.
        let tried = if candidate { "candidate" } else { "" };
        let cell = format!("mesh_filters.rate-limit:{name}:{tried}");
        match sets {
            None => Cells::One(format!("{cell}:{plugin}").into()),
            Some(count) => Cells::Table {
                shared: format!("{cell}s:{plugin}").into(),
                sets: format!("{cell}k").into(),
                plugin: Rc::clone(plugin),
                count,
            },
        }
    }

    /// The one that a bucket is in.
    pub fn of(&self, bucket: Bucket) -> Cow<'_, str> {
        match (self, bucket) {
            (Cells::One(cell), _) => Cow::Borrowed(cell),
            (
                Cells::Table {
                    sets,
                    plugin,
                    count,
                    ..
                },
                Bucket::Key(hash),
            ) => {
                #[allow(clippy::cast_possible_truncation, reason = "the low half is meant")]
                let set = (hash as u64) % u64::from((*count).max(1));
                Cow::Owned(set_name(sets, set, plugin))
            }
            (Cells::Table { shared, .. }, _) => Cow::Borrowed(shared),
        }
    }
}

#[inline(never)]
fn set_name(sets: &str, mut set: u64, plugin: &str) -> String {
    let most = sets.len().saturating_add(plugin.len()).saturating_add(9);
    let mut cell = String::with_capacity(most);
    cell.push_str(sets);
    while set > 0 {
        #[allow(clippy::cast_possible_truncation, reason = "below 16")]
        let digit = (set % 16) as u8;
        cell.push(char::from(b'a'.wrapping_add(digit)));
        set /= 16;
    }
    cell.push(':');
    cell.push_str(plugin);
    cell
}

/// Where in its cell a bucket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// It is the whole cell.
    Alone,
    /// In one of the ways.
    Way(usize),
    /// In the overflow bucket, because no way is free.
    Overflow,
}

/// Finds a bucket at `now`: its slot, and when it is full. No bucket of the limit takes longer to
/// fill than `window`: a later full time stems from an earlier configuration with a slower limit,
/// and counts as an empty bucket.
pub fn find(cell: Option<&[u8]>, bucket: Bucket, now: u64, window: u64) -> (Slot, u64) {
    let latest = now.saturating_add(window);
    let Bucket::Key(hash) = bucket else {
        return (Slot::Alone, number(cell.unwrap_or_default()).min(latest));
    };
    let set = cell.filter(|set| set.len() == SET).unwrap_or_default();
    let tag = hash.to_le_bytes();
    let mut free = None;
    for (index, way) in set.chunks_exact(WAY).enumerate() {
        let (key, full) = way.split_at_checked(TAG).unwrap_or_default();
        let full = number(full).min(latest);
        if key == tag {
            return (Slot::Way(index), full);
        }
        if free.is_none() && full <= now {
            free = Some(index);
        }
    }
    if set.is_empty() {
        free = Some(0);
    }
    let overflow = number(set.get(WAYS * WAY..).unwrap_or_default()).min(latest);
    (free.map_or(Slot::Overflow, Slot::Way), overflow)
}

/// The cell with a bucket's full time put into its slot.
pub fn put(cell: Option<&[u8]>, bucket: Bucket, slot: Slot, full: u64) -> Vec<u8> {
    let full = full.to_le_bytes();
    let at = match slot {
        Slot::Alone => return full.to_vec(),
        Slot::Way(index) => index.saturating_mul(WAY).saturating_add(TAG),
        Slot::Overflow => WAYS * WAY,
    };
    let mut set = match cell {
        Some(set) if set.len() == SET => set.to_vec(),
        _ => vec![0; SET],
    };
    if let (Slot::Way(_), Bucket::Key(hash)) = (slot, bucket)
        && let Some(tag) = set.get_mut(at.saturating_sub(TAG)..at)
    {
        tag.copy_from_slice(&hash.to_le_bytes());
    }
    if let Some(number) = set.get_mut(at..at.saturating_add(8)) {
        number.copy_from_slice(&full);
    }
    set
}

/// A full time; of a cell that is none, the beginning of time, when every bucket was full.
fn number(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_space() -> KeySpace {
        KeySpace {
            seed: [7; 16],
            cells: vec![],
        }
    }

    #[test]
    fn no_two_lists_of_parts_are_one_key() {
        let hash = |domain, parts: &[&[u8]]| key_space().hash(domain, parts);
        let all = [
            hash(0, &[b"ab", b"c"]),
            hash(0, &[b"a", b"bc"]),
            hash(0, &[b"abc"]),
            hash(0, &[b"abc", b""]),
            hash(0, &[]),
            hash(1, &[b"abc"]),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(!all[index + 1..].contains(one));
        }
        let other = KeySpace {
            seed: [8; 16],
            ..key_space()
        };
        assert_ne!(other.hash(0, &[b"abc"]), all[2]);
    }

    #[test]
    fn every_bucket_has_a_cell_and_a_table_has_so_many() {
        let plugin = "rate-limit".into();
        let cell = |name, candidate, sets, bucket| {
            let cells = Cells::new(&plugin, name, candidate, sets);
            cells.of(bucket).into_owned()
        };
        let table = Some(4);
        let singles = [
            cell("a", false, None, Bucket::Only),
            cell("a", true, None, Bucket::Only),
            cell("b", false, None, Bucket::Only),
            cell("a", false, table, Bucket::Shared),
            cell("a", true, table, Bucket::Shared),
            cell("a", false, table, Bucket::Key(0)),
            cell("a", true, table, Bucket::Key(0)),
        ];
        for (index, one) in singles.iter().enumerate() {
            assert!(!singles[index + 1..].contains(one), "{one}");
        }
        // They outlive a module: the next version finds the buckets that this one filled.
        assert_eq!(singles[0], "mesh_filters.rate-limit:a::rate-limit");
        assert_eq!(
            singles[4],
            "mesh_filters.rate-limit:a:candidates:rate-limit"
        );
        assert_eq!(
            cell("a", false, Some(4096), Bucket::Key(0x123)),
            "mesh_filters.rate-limit:a:kdcb:rate-limit"
        );
        let sets: std::collections::BTreeSet<String> = (0..1000)
            .map(|hash| cell("a", false, table, Bucket::Key(hash)))
            .collect();
        assert_eq!(sets.len(), 4);
    }

    #[test]
    fn a_way_is_taken_over_only_when_its_bucket_is_full_again() {
        let (now, window) = (1_000, 100);
        let mut set: Option<Vec<u8>> = None;
        for key in 0..8 {
            let bucket = Bucket::Key(key * 2 + 1);
            let (slot, full) = find(set.as_deref(), bucket, now, window);
            assert_eq!((slot, full), (Slot::Way(key as usize), 0));
            set = Some(put(set.as_deref(), bucket, slot, now + 10 + key as u64));
        }
        let late = Bucket::Key(100);
        let at = |now| find(set.as_deref(), late, now, window);
        assert_eq!(at(now), (Slot::Overflow, 0));
        assert_eq!(at(now + 9), (Slot::Overflow, 0));
        assert_eq!(at(now + 10), (Slot::Way(0), 0));
        let kept = find(set.as_deref(), Bucket::Key(1), now + 50, window);
        assert_eq!(kept, (Slot::Way(0), now + 10));
        let full = put(set.as_deref(), late, Slot::Overflow, now + 5);
        assert_eq!(
            find(Some(&full), Bucket::Key(200), now, window),
            (Slot::Overflow, now + 5)
        );
        assert_eq!(
            find(Some(&full), Bucket::Key(3), now, window),
            (Slot::Way(1), now + 11)
        );
        // A way that is free now is no fuller than what the key may have had from the overflow.
        let busy = put(Some(&full), late, Slot::Overflow, now + 30);
        assert_eq!(
            find(Some(&busy), late, now + 10, window),
            (Slot::Way(0), now + 30)
        );
    }

    #[test]
    fn a_full_time_beyond_any_bucket_is_an_empty_one() {
        let far = u64::MAX.to_le_bytes();
        assert_eq!(find(Some(&far), Bucket::Only, 50, 100), (Slot::Alone, 150));
        let set = put(None, Bucket::Key(1), Slot::Way(0), u64::MAX);
        assert_eq!(
            find(Some(&set), Bucket::Key(1), 50, 100),
            (Slot::Way(0), 150)
        );
    }

    #[test]
    fn a_cell_of_another_shape_is_a_new_one() {
        for bytes in [&b""[..], b"1234567", &[9; 199], &[9; 201]] {
            assert_eq!(find(Some(bytes), Bucket::Only, 5, 10), (Slot::Alone, 0));
            assert_eq!(find(Some(bytes), Bucket::Key(3), 5, 10), (Slot::Way(0), 0));
            assert_eq!(put(Some(bytes), Bucket::Key(3), Slot::Way(0), 1).len(), SET);
        }
    }
}
