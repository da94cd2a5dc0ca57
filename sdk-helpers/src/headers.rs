//! An owned snapshot of a header map, as the bytes that came over the wire.
//!
//! Header values are bytes, not text: one value with a byte above 0x7f is enough to end a VM that
//! believes otherwise. A repeated header is several entries, each of which stands alone.

mod edit;
mod text;

use std::borrow::Cow;
use std::ops::Range;

pub use edit::{HeaderEdit, is_safe_value};
pub use text::{SharedText, TextPart};

/// Header names and values in the order Envoy gave them, pseudo headers first.
///
/// Kept as the one block the host hands over plus positions, so that a snapshot costs two
/// allocations however many headers there are.
#[derive(Debug, Clone, Default)]
pub struct Headers {
    block: Vec<u8>,
    entries: Vec<(Range<usize>, Range<usize>)>,
}

/// What a name and its value seldom exceed together, on average.
const SELDOM_LONGER: usize = 48;

impl Headers {
    /// Builds a snapshot from pairs; names are lower-cased as HTTP/2 and Envoy have them.
    pub fn from_pairs<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let pairs = pairs.into_iter();
        let (least, _) = pairs.size_hint();
        let mut headers = Headers {
            block: Vec::with_capacity(least.saturating_mul(SELDOM_LONGER)),
            entries: Vec::with_capacity(least),
        };
        for (name, value) in pairs {
            let start = headers.block.len();
            let name = name.as_ref().iter().map(u8::to_ascii_lowercase);
            headers.block.extend(name);
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
        let (count, rest) = block.split_first_chunk().unwrap_or((&[0; 4], &[]));
        let size = (u32::from_le_bytes(*count) as usize).saturating_mul(8);
        let (lengths, _) = rest.get(..size).unwrap_or(rest).as_chunks::<8>();
        // Eight bytes of lengths an entry: a count the block cannot hold is a lie, not a capacity.
        let mut entries = Vec::with_capacity(lengths.len());
        // In 64 bits no sum of such lengths is too large.
        let (mut position, end) = (size as u64 + 4, block.len() as u64);
        for pair in lengths {
            let lengths = u64::from_le_bytes(*pair);
            let name_end = position + (lengths & u64::from(u32::MAX));
            let value_end = name_end + 1 + (lengths >> 32);
            if value_end > end {
                break;
            }
            #[allow(clippy::cast_possible_truncation, reason = "within the block")]
            let place = |at: u64| at as usize;
            let name = place(position)..place(name_end);
            entries.push((name, place(name_end + 1)..place(value_end)));
            position = value_end + 1;
        }
        Headers { block, entries }
    }

    /// All entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.entries
            .iter()
            .map(|(name, value)| (self.slice(name), self.slice(value)))
    }

    /// Every value of `name`, which must be in lower case. In a request `host` is Envoy's alias of
    /// `:authority`.
    pub fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let name = self.named(name);
        self.entries
            .iter()
            .filter(move |(key, _)| self.is(key, name))
            .map(|(_, value)| self.slice(value))
    }

    /// The first value of `name`.
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        let name = self.named(name);
        let mut entries = self.entries.iter();
        let (_, value) = entries.find(|(key, _)| self.is(key, name))?;
        Some(self.slice(value))
    }

    /// Makes a change, as Envoy makes it to the map that this is a snapshot of.
    ///
    /// A value with CR, LF or NUL is left out. A name is taken in lower case, and `host` of a request is
    /// `:authority`. What replaces values stands where the first of them was; what is added stands last, a
    /// pseudo header last of those. (Envoy also joins an added value with the one there is of some headers
    /// that have one line alone, such as `authorization`; here it stays a value of its own.)
    pub fn apply(&mut self, edit: &HeaderEdit) {
        if !edit.is_safe() {
            return;
        }
        let name = edit.name();
        let lower = match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => Cow::Owned(name.to_ascii_lowercase()),
            false => Cow::Borrowed(name),
        };
        let name = self.named(&lower);
        let Some(value) = edit.value() else {
            self.remove(name);
            return;
        };
        let place = || {
            let mut entries = self.entries.iter();
            entries.position(|(key, _)| self.is(key, name))
        };
        let first = match edit {
            HeaderEdit::Add(..) | HeaderEdit::AddPart(..) | HeaderEdit::Remove(_) => None,
            HeaderEdit::Set(..) => place(),
            HeaderEdit::Overwrite(..) => match place() {
                None => return,
                first => first,
            },
            HeaderEdit::Supply(..) => match place() {
                None => None,
                Some(_) => return,
            },
        };
        if first.is_some() {
            self.remove(name);
        }
        let is_pseudo = |name: &[u8]| name.first() == Some(&b':');
        let last = match is_pseudo(name) {
            true => self.iter().take_while(|(key, _)| is_pseudo(key)).count(),
            false => self.entries.len(),
        };
        let at = first.unwrap_or(last);
        let start = self.block.len();
        self.block.extend_from_slice(name);
        let middle = self.block.len();
        self.block.extend_from_slice(value);
        let end = self.block.len();
        self.entries
            .insert(at.min(self.entries.len()), (start..middle, middle..end));
    }

    fn remove(&mut self, name: &[u8]) {
        let block = &self.block;
        let is_it =
            |key: &Range<usize>| key.len() == name.len() && block.get(key.clone()) == Some(name);
        self.entries.retain(|(key, _)| !is_it(key));
    }

    /// The name that a header has here: what `host` of a request is.
    fn named<'a>(&self, name: &'a str) -> &'a [u8] {
        match name {
            "host" if self.is_request() => b":authority",
            name => name.as_bytes(),
        }
    }

    /// Whether these are a request's: those of a response have neither.
    fn is_request(&self) -> bool {
        self.iter()
            .any(|(name, _)| name == b":method" || name == b":authority")
    }

    /// Whether a name stands there. Most names differ in their length, and that is seen without them.
    fn is(&self, key: &Range<usize>, name: &[u8]) -> bool {
        key.len() == name.len() && self.slice(key) == name
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.block.get(range.clone()).unwrap_or_default()
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Headers {}

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

    #[test]
    fn host_of_a_response_is_read_as_any_header() {
        let headers = Headers::from_pairs([(":status", "200"), ("host", "a")]);
        assert_eq!(headers.first("host"), Some(b"a".as_slice()));
        assert_eq!(headers.values("host").count(), 1);
        let without = Headers::from_pairs([(":status", "200"), ("x-a", "1")]);
        assert_eq!(without.first("host"), None);
    }

    fn applied(mut headers: Headers, edits: &[HeaderEdit]) -> Vec<(String, String)> {
        for edit in edits {
            headers.apply(edit);
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let pairs = headers
            .iter()
            .map(|(name, value)| (text(name), text(value)));
        pairs.collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    fn set(name: &'static str, value: &str) -> HeaderEdit {
        HeaderEdit::Set(name.into(), value.into())
    }

    #[test]
    fn each_change_sees_the_ones_before() {
        let headers = Headers::from_pairs([
            (":authority", "a.example"),
            (":path", "/"),
            ("x-a", "1"),
            ("x-b", "1"),
            ("x-a", "2"),
        ]);
        let edits = [
            set("x-a", "3"),
            HeaderEdit::Add("x-a".into(), b"4".to_vec()),
            HeaderEdit::Remove("x-b".into()),
            HeaderEdit::Overwrite("x-b".into(), b"5".to_vec()),
            HeaderEdit::Supply("x-b".into(), b"6".to_vec()),
            HeaderEdit::Supply("x-b".into(), b"7".to_vec()),
            HeaderEdit::Overwrite("x-b".into(), b"8".to_vec()),
            set("host", "b.example"),
        ];
        assert_eq!(
            applied(headers, &edits),
            pairs(&[
                (":authority", "b.example"),
                (":path", "/"),
                ("x-a", "3"),
                ("x-a", "4"),
                ("x-b", "8"),
            ])
        );
    }

    #[test]
    fn a_part_of_a_text_is_added_as_any_value() {
        let text = SharedText::new(b"r=12;t=7").unwrap();
        let edits = [
            HeaderEdit::AddPart("x-a", text.part(2..4)),
            HeaderEdit::AddPart("x-a", text.part(7..8)),
        ];
        assert!(edits.iter().all(HeaderEdit::is_safe));
        let there = Headers::from_pairs([("x-a", "1")]);
        assert_eq!(
            applied(there, &edits),
            pairs(&[("x-a", "1"), ("x-a", "12"), ("x-a", "7")])
        );
    }

    #[test]
    fn an_unsafe_value_changes_nothing() {
        let headers = || Headers::from_pairs([("x-a", "1")]);
        for value in ["2\r\nx: y", "2\n", "\0"] {
            for edit in [
                set("x-a", value),
                HeaderEdit::Add("x-a".into(), value.into()),
                HeaderEdit::Overwrite("x-a".into(), value.into()),
                HeaderEdit::Supply("x-b".into(), value.into()),
            ] {
                assert_eq!(applied(headers(), &[edit]), pairs(&[("x-a", "1")]));
            }
        }
    }

    #[test]
    fn names_are_taken_in_lower_case() {
        let headers = Headers::from_pairs([("x-a", "1"), ("x-b", "1")]);
        let edits = [set("X-A", "2"), HeaderEdit::Remove("X-B".into())];
        assert_eq!(applied(headers, &edits), pairs(&[("x-a", "2")]));
    }

    #[test]
    fn pseudo_headers_stay_in_front() {
        let headers = Headers::from_pairs([(":method", "GET"), ("x-a", "1")]);
        let edits = [
            set(":path", "/"),
            set("host", "a.example"),
            set(":method", "PUT"),
        ];
        assert_eq!(
            applied(headers, &edits),
            pairs(&[
                (":method", "PUT"),
                (":path", "/"),
                (":authority", "a.example"),
                ("x-a", "1"),
            ])
        );
    }

    #[test]
    fn host_of_a_response_is_a_header_like_any_other() {
        let status = Headers::from_pairs([(":status", "200")]);
        for (headers, before) in [
            (Headers::default(), None),
            (status, Some((":status", "200"))),
        ] {
            let expected: Vec<_> = before.into_iter().chain([("host", "a.example")]).collect();
            assert_eq!(
                applied(headers, &[set("host", "a.example")]),
                pairs(&expected)
            );
        }
    }

    #[test]
    fn maps_are_equal_that_have_the_same_headers() {
        let mut changed = Headers::from_pairs([("x-a", "1"), ("x-b", "2")]);
        changed.apply(&HeaderEdit::Remove("x-a".into()));
        assert_eq!(changed, Headers::from_pairs([("x-b", "2")]));
        assert_ne!(changed, Headers::from_pairs([("x-b", "3")]));
    }

    fn name() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["x-a", "x-b", "X-A", ":path", ":method", "host"])
    }

    fn edit() -> impl Strategy<Value = HeaderEdit> {
        (name(), "[a-c\r]{0,2}", 0..6).prop_map(|(name, value, kind)| {
            let part = SharedText::new(value.as_bytes()).map(|text| text.whole());
            let (lasting, name, value) = (name, name.into(), value.into_bytes());
            match kind {
                5 if let Some(part) = part => HeaderEdit::AddPart(lasting, part),
                0 => HeaderEdit::Set(name, value),
                1 => HeaderEdit::Add(name, value),
                2 => HeaderEdit::Remove(name),
                3 => HeaderEdit::Overwrite(name, value),
                _ => HeaderEdit::Supply(name, value),
            }
        })
    }

    /// The values of each name, in order: what a change means, by its definition.
    type Map = std::collections::BTreeMap<String, Vec<Vec<u8>>>;

    fn defined(map: &mut Map, edit: &HeaderEdit) {
        let name = match edit.name().to_ascii_lowercase().as_str() {
            "host" => ":authority".to_owned(),
            name => name.to_owned(),
        };
        let values = map.entry(name).or_default();
        let there = !values.is_empty();
        match edit {
            _ if !edit.is_safe() => {}
            HeaderEdit::Set(_, value) => *values = vec![value.clone()],
            HeaderEdit::Add(_, value) => values.push(value.clone()),
            HeaderEdit::AddPart(_, value) => values.push(value.to_vec()),
            HeaderEdit::Remove(_) => values.clear(),
            HeaderEdit::Overwrite(_, value) if there => *values = vec![value.clone()],
            HeaderEdit::Supply(_, value) if !there => values.push(value.clone()),
            HeaderEdit::Overwrite(..) | HeaderEdit::Supply(..) => {}
        }
        map.retain(|_, values| !values.is_empty());
    }

    proptest! {
        #[test]
        fn changes_mean_what_they_are_defined_to_mean(
            sent in prop::collection::vec((name(), "[a-c]{0,2}"), 0..6), edits in prop::collection::vec(edit(), 0..8),
        ) {
            // With `:method` it is a request.
            let sent = [(":method", "GET".to_owned())].into_iter().chain(sent);
            let mut headers = Headers::default();
            let mut map = Map::new();
            let add = |(name, value): (&'static str, String)| HeaderEdit::Add(name.into(), value.into_bytes());
            for edit in sent.map(add).chain(edits.into_iter().filter(|edit| edit.name() != ":method")) {
                headers.apply(&edit);
                defined(&mut map, &edit);
                for (name, values) in &map {
                    let found: Vec<_> = headers.values(name).map(<[u8]>::to_vec).collect();
                    prop_assert_eq!(&found, values, "{}", name);
                }
                prop_assert_eq!(headers.iter().count(), map.values().map(Vec::len).sum::<usize>());
                let pseudo: Vec<bool> = headers.iter().map(|(name, _)| name.starts_with(b":")).collect();
                prop_assert!(pseudo.is_sorted_by(|one, next| one >= next));
            }
        }

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
