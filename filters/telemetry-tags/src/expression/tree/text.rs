//! Texts as Envoy's CEL counts and reads them; they need be no UTF-8.

/// The number of characters. A byte that is no part of one counts as one.
pub(super) fn size(text: &[u8]) -> Option<i64> {
    let sizes = text.utf8_chunks().map(|chunk| {
        let valid = chunk.valid().chars().count();
        valid.saturating_add(chunk.invalid().len())
    });
    i64::try_from(sizes.sum::<usize>()).ok()
}

/// The number that a text is: digits with or without a sign, and white space around.
pub(super) fn int(text: &[u8]) -> Option<i64> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let start = text.iter().position(|byte| !is_blank(byte))?;
    let end = text.iter().rposition(|byte| !is_blank(byte))?;
    let digits = text.get(start..=end)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Envoy 1.40 has it; the differential test has more.
    #[test]
    fn a_byte_that_is_no_character_counts_as_one() {
        for (text, characters) in [
            (&b""[..], 0),
            (b"abc", 3),
            ("caf\u{e9}".as_bytes(), 4),
            ("\u{1f600}".as_bytes(), 1),
            (b"a\xff", 2),
            (b"\xe2\x82", 2),
            (b"\xed\xa0\x80", 3),
            (b"\xc0\x80", 2),
            (b"\xf0\x9f\x98a\xf0\x9f", 6),
        ] {
            assert_eq!(size(text), Some(characters), "{text:?}");
        }
    }

    #[test]
    fn a_number_may_have_a_sign_and_blanks_around() {
        for (text, value) in [
            (&b"12"[..], Some(12)),
            (b" \t\n\x0b\x0c\r12 ", Some(12)),
            (b"+5", Some(5)),
            (b"-0", Some(0)),
            (b"00012", Some(12)),
            (b"9223372036854775807", Some(i64::MAX)),
            (b"-9223372036854775808", Some(i64::MIN)),
            (b"9223372036854775808", None),
            (b"", None),
            (b" ", None),
            (b"-", None),
            (b"+", None),
            (b"+-1", None),
            (b"- 1", None),
            (b"1 2", None),
            (b"0x10", None),
            (b"1_0", None),
            (b"12\0", None),
            (b"1\xff", None),
            ("\u{ff11}".as_bytes(), None),
            ("\u{85}12".as_bytes(), None),
        ] {
            assert_eq!(int(text), value, "{text:?}");
        }
    }
}
