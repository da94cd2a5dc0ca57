//! Bytes of a request, compared and taken apart.
//!
//! Eight at a time: what a module is linked with, and what the compiler makes of a loop, looks at one
//! byte after another, and a header may have hundreds of them.

use std::borrow::Cow;

/// Whether these are the same bytes.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let ((words, rest), (other_words, other_rest)) = (one.as_chunks(), other.as_chunks());
    let ((fours, words), (other_fours, other_words)) = (words.as_chunks(), other_words.as_chunks());
    for ([a, b, c, d], [e, f, g, h]) in std::iter::zip(fours, other_fours) {
        let differ = |one, other| word(one) ^ word(other);
        if differ(a, e) | differ(b, f) | differ(c, g) | differ(d, h) != 0 {
            return false;
        }
    }
    for (one, other) in std::iter::zip(words, other_words) {
        if word(one) != word(other) {
            return false;
        }
    }
    for (one, other) in std::iter::zip(rest, other_rest) {
        if one != other {
            return false;
        }
    }
    true
}

/// Where a byte first stands.
pub fn find(bytes: &[u8], byte: u8) -> Option<usize> {
    let (words, rest) = bytes.as_chunks();
    let each = u64::from(byte) * ONES;
    for (index, chunk) in words.iter().enumerate() {
        let found = zeros(word(chunk) ^ each);
        if found != 0 {
            return Some(index.saturating_mul(8) + found.trailing_zeros() as usize / 8);
        }
    }
    let place = rest.iter().position(|other| *other == byte)?;
    Some(words.len().saturating_mul(8) + place)
}

/// Each byte is 1.
pub(crate) const ONES: u64 = u64::MAX / 0xff;

#[inline]
pub(crate) fn word(bytes: &[u8; 8]) -> u64 {
    u64::from_le_bytes(*bytes)
}

/// The highest bit of the first byte that is 0, and maybe those of later ones; 0 if none is.
pub(crate) fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & (ONES << 7)
}

/// What stands before the first `at`, and behind it.
pub fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let (before, after) = bytes.split_at_checked(find(bytes, at)?)?;
    Some((before, after.get(1..).unwrap_or_default()))
}

/// What stands between one `at` and the next, as [`slice::split`] has it.
pub fn split(bytes: &[u8], at: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let here = rest?;
        let (before, after) = match split_once(here, at) {
            Some((before, after)) => (before, Some(after)),
            None => (here, None),
        };
        rest = after;
        Some(before)
    })
}

/// Percent-decoded (RFC 3986 §2.1). As in Envoy, what is no escape stands for itself, and so does
/// `+`.
pub fn percent_decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if find(text, b'%').is_none() {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%'
            && let [high, low, tail @ ..] = tail
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            bytes.push((high << 4) | low);
            rest = tail;
        } else {
            bytes.push(*first);
        }
    }
    Cow::Owned(bytes)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_say_what_bytes_say(
            one in prop::collection::vec(prop::sample::select(vec![0u8, 1, b'a', 0x7f, 0x80, 0x81, 0xff]), 0..30),
            place in 0usize..30, byte in prop::sample::select(vec![0u8, 1, b'a', 0x80, 0xff]),
        ) {
            prop_assert_eq!(find(&one, byte), one.iter().position(|other| *other == byte));
            prop_assert!(split(&one, byte).eq(one.split(|other| *other == byte)));
            let mut other = one.clone();
            prop_assert!(same(&one, &other));
            if let Some(changed) = other.get_mut(place) {
                *changed ^= byte;
            }
            prop_assert_eq!(same(&one, &other), one == other);
            other.push(byte);
            prop_assert!(!same(&one, &other));
        }
    }

    #[test]
    fn what_is_no_escape_stands_for_itself() {
        for (text, plain) in [
            (&b"a%62c"[..], &b"abc"[..]),
            (b"%4A%4a", b"JJ"),
            (b"%", b"%"),
            (b"%4", b"%4"),
            (b"%zz%2", b"%zz%2"),
            (b"%25%32%35", b"%25"),
            (b"%ff+1", b"\xff+1"),
        ] {
            assert_eq!(percent_decoded(text), plain, "{text:?}");
        }
    }

    #[test]
    fn the_first_one_cuts() {
        assert_eq!(split_once(b"a=b=c", b'='), Some((&b"a"[..], &b"b=c"[..])));
        assert_eq!(split_once(b"a=", b'='), Some((&b"a"[..], &b""[..])));
        assert_eq!(split_once(b"a", b'='), None);
    }
}
