//! An owned snapshot of a header map, as the bytes that came over the wire.
//!
//! Header values are bytes, not text: one value with a byte above 0x7f is enough to end a VM that
//! believes otherwise. A repeated header is several entries, each of which stands alone.

use std::ops::Range;

/// Header names and values in the order Envoy gave them, pseudo headers first.
///
/// Kept as the one block the host hands over plus positions, so that a snapshot costs two
/// allocations however many headers there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    block: Vec<u8>,
    entries: Vec<(Range<usize>, Range<usize>)>,
}

impl Headers {
    /// Builds a snapshot from pairs; names are lower-cased as HTTP/2 and Envoy have them.
    pub fn from_pairs<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let mut headers = Headers::default();
        for (name, value) in pairs {
            let start = headers.block.len();
            headers.block.extend(name.as_ref().to_ascii_lowercase());
            let middle = headers.block.len();
            headers.block.extend_from_slice(value.as_ref());
            let end = headers.block.len();
            headers.entries.push((start..middle, middle..end));
        }
        headers
    }

    /// Reads the proxy-wasm header block: a count, then the lengths, then NUL-terminated names and
    /// values. A block cut short yields the entries that are whole.
    pub fn from_block(block: Vec<u8>) -> Self {
        let word = |at: usize| {
            let bytes = block.get(at..at.checked_add(4)?)?;
            Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize)
        };
        let count = word(0).unwrap_or(0);
        // Eight bytes of lengths an entry: a count the block cannot hold is a lie, not a capacity.
        let mut entries = Vec::with_capacity(count.min(block.len() / 8));
        let mut position = count.saturating_mul(8).saturating_add(4);
        for index in 0..count {
            let at = index.saturating_mul(8).saturating_add(4);
            let (Some(name), Some(value)) = (word(at), word(at.saturating_add(4))) else {
                break;
            };
            let name_end = position.saturating_add(name);
            let value_start = name_end.saturating_add(1);
            let value_end = value_start.saturating_add(value);
            if value_end > block.len() {
                break;
            }
            entries.push((position..name_end, value_start..value_end));
            position = value_end.saturating_add(1);
        }
        Headers { block, entries }
    }

    /// All entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.entries
            .iter()
            .map(|(name, value)| (self.slice(name), self.slice(value)))
    }

    /// Every value of `name`, which must be in lower case. `host` is Envoy's alias of
    /// `:authority`.
    pub fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let name = named(name);
        self.iter()
            .filter(move |(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// The first value of `name`.
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        let name = named(name);
        let found = self.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| value)
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.block.get(range.clone()).unwrap_or_default()
    }
}

/// The name a header has in the map.
fn named(name: &str) -> &[u8] {
    if name == "host" {
        b":authority"
    } else {
        name.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn block(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
        let mut block = (pairs.len() as u32).to_le_bytes().to_vec();
        for (name, value) in pairs {
            block.extend((name.len() as u32).to_le_bytes());
            block.extend((value.len() as u32).to_le_bytes());
        }
        for (name, value) in pairs {
            block.extend_from_slice(name);
            block.push(0);
            block.extend_from_slice(value);
            block.push(0);
        }
        block
    }

    #[test]
    fn a_repeated_header_is_several_values() {
        let headers = Headers::from_block(block(&[(b"a", b"1"), (b"b", b""), (b"a", b"\xff")]));
        assert_eq!(
            headers.values("a").collect::<Vec<_>>(),
            [b"1".as_slice(), b"\xff"]
        );
        assert_eq!(headers.first("b"), Some(b"".as_slice()));
        assert_eq!(headers.first("c"), None);
    }

    #[test]
    fn host_is_the_authority() {
        let headers = Headers::from_pairs([(":authority", "a.example")]);
        assert_eq!(headers.first("host"), Some(b"a.example".as_slice()));
    }

    proptest! {
        #[test]
        fn a_block_gives_back_its_pairs(pairs in prop::collection::vec(("[a-z-]{0,9}", prop::collection::vec(any::<u8>(), 0..40)), 0..20)) {
            let borrowed: Vec<(&[u8], &[u8])> = pairs.iter().map(|(n, v)| (n.as_bytes(), v.as_slice())).collect();
            let headers = Headers::from_block(block(&borrowed));
            prop_assert_eq!(headers.iter().collect::<Vec<_>>(), borrowed);
        }

        #[test]
        fn no_block_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Headers::from_block(bytes).iter().count();
        }

        #[test]
        fn no_cut_block_panics(cut in 0usize..64) {
            let mut whole = block(&[(b":path", b"/"), (b"x", b"y")]);
            whole.truncate(cut);
            let _ = Headers::from_block(whole).iter().count();
        }
    }
}
