//! Values made safe for wherever they go: a line of an access log, a header, the name of a
//! statistic, a label.

use std::borrow::Cow;

use crate::words;

/// The most bytes of a value: a SPIFFE identity fits, a book does not.
pub const LONGEST: usize = 256;

/// A value as text that ends no line, no quotes and no brackets early: each control character,
/// quote, backslash, bracket and byte that is no UTF-8 becomes `_`, white space at the ends goes,
/// and what is too long is cut.
pub fn clean(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.trim_ascii();
    // A header of 60 kB is not read to its end: no more than three bytes become one.
    let bytes = bytes.get(..ENOUGH).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) if text.len() <= LONGEST && text.chars().all(is_safe) => Cow::Borrowed(text),
        _ => Cow::Owned(replaced(bytes)),
    }
}

/// The same as bytes. Nearly every value is found to be clean already without being read as UTF-8.
pub fn clean_bytes(bytes: &[u8]) -> Cow<'_, [u8]> {
    let bytes = bytes.trim_ascii();
    if bytes.len() <= LONGEST && words::are_plain(bytes) {
        return Cow::Borrowed(bytes);
    }
    match clean(bytes) {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// This many bytes fill the longest value, whatever they are.
const ENOUGH: usize = 4 * LONGEST;

fn replaced(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().min(LONGEST));
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if !push(&mut text, if is_safe(character) { character } else { '_' }) {
                return text;
            }
        }
        if !chunk.invalid().is_empty() && !push(&mut text, '_') {
            return text;
        }
    }
    text
}

fn push(text: &mut String, character: char) -> bool {
    let fits = text.len().saturating_add(character.len_utf8()) <= LONGEST;
    if fits {
        text.push(character);
    }
    fits
}

/// Line and paragraph separators end a line for some readers, and directions reorder one.
pub fn is_safe(character: char) -> bool {
    !character.is_control()
        && !matches!(
            character,
            '"' | '\'' | '\\' | '[' | ']'
                | '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}'
                | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_would_break_out_is_replaced() {
        assert_eq!(clean(b"plain text, /a?b=c;d"), "plain text, /a?b=c;d");
        assert_eq!(clean(b"a\"b\\c[d]e\r\nf\0g'h"), "a_b_c_d_e__f_g_h");
        assert_eq!(
            clean(b" \xff\xfe caf\xc3\xa9 \xf0\x9f\x98\x80\t"),
            "__ caf\u{e9} \u{1f600}"
        );
        assert_eq!(clean("a\u{2028}b\u{85}c\u{202e}".as_bytes()), "a_b_c_");
        assert_eq!(clean(b"\xe2\x82"), "_");
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        assert_eq!(clean(&b"x".repeat(1000)).len(), LONGEST);
        let euros = "\u{20ac}".repeat(1000);
        let euros = clean(euros.as_bytes());
        assert_eq!(euros.len(), LONGEST / 3 * 3);
    }

    proptest! {
        #[test]
        fn any_value_is_one_safe_text(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let text = clean(&bytes);
            prop_assert!(text.len() <= LONGEST);
            prop_assert!(text.chars().all(is_safe));
            let again = clean(text.as_bytes());
            prop_assert_eq!(again.trim(), text.trim());
            prop_assert_eq!(&*clean_bytes(&bytes), text.as_bytes());
        }

        /// What is not read does not count.
        #[test]
        fn the_rest_of_a_long_value_changes_nothing(
            bytes in prop::collection::vec(any::<u8>(), ENOUGH..ENOUGH + 8),
            odd in prop::sample::select(vec![b"a".to_vec(), b"\xff".to_vec(), "\u{2028}".into(), "\u{1f600}".into()]),
        ) {
            let odd = odd.repeat(ENOUGH);
            for start in [&bytes[..], &odd[..]] {
                let long = [start, &b"x".repeat(5_000)[..]].concat();
                prop_assert_eq!(replaced(long.trim_ascii()), clean(&long));
            }
        }

        #[test]
        fn a_safe_text_stays(text in "[a-zA-Z0-9./:@é€ ]{0,60}") {
            prop_assert_eq!(clean(text.as_bytes()), text.trim());
        }
    }
}
