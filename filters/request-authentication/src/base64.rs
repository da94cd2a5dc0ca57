//! Base64 as JOSE has it (RFC 7515 §2, RFC 4648 §5), and the standard form for header values.
//!
//! One text has one meaning here: white space, padding, letters of the other alphabet and bits that
//! no byte uses are refused, so that a token cannot be spelled in two ways.

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Reads unpadded base64url.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let mut chunks = text.chunks_exact(4);
    for chunk in &mut chunks {
        let [a, b, c, d] = chunk.try_into().ok()?;
        // An illegal letter is 0xff: it shows in the bits that no legal one has.
        let (a, b, c, d) = (digit(a), digit(b), digit(c), digit(d));
        if (a | b | c | d) & 0xc0 != 0 {
            return None;
        }
        bytes.extend([(a << 2) | (b >> 4), (b << 4) | (c >> 2), (c << 6) | d]);
    }
    match *chunks.remainder() {
        [] => {}
        [a, b] => {
            let (a, b) = (digit(a), digit(b));
            if (a | b) & 0xc0 != 0 || b & 0x0f != 0 {
                return None;
            }
            bytes.push((a << 2) | (b >> 4));
        }
        [a, b, c] => {
            let (a, b, c) = (digit(a), digit(b), digit(c));
            if (a | b | c) & 0xc0 != 0 || c & 0x03 != 0 {
                return None;
            }
            bytes.extend([(a << 2) | (b >> 4), (b << 4) | (c >> 2)]);
        }
        _ => return None,
    }
    Some(bytes)
}

/// Reads base64url with the padding that belongs to it, or without any.
pub(crate) fn decode_padded(text: &[u8]) -> Option<Vec<u8>> {
    let bare = match text {
        [bare @ .., b'=', b'='] | [bare @ .., b'='] if text.len().is_multiple_of(4) => bare,
        _ => text,
    };
    decode(bare)
}

/// Reads a member of a key. Padding is let be there: issuers do write it, and a key comes from its
/// issuer, not from a client.
pub(crate) fn decode_member(text: &str) -> Option<Vec<u8>> {
    decode_padded(text.as_bytes())
}

/// Reads standard base64 in lines, as certificates are written.
pub(crate) fn decode_standard(text: &[u8]) -> Option<Vec<u8>> {
    let letters: Option<Vec<u8>> = text
        .iter()
        .filter(|letter| !letter.is_ascii_whitespace())
        .map(|letter| match letter {
            b'+' => Some(b'-'),
            b'/' => Some(b'_'),
            b'-' | b'_' => None,
            other => Some(*other),
        })
        .collect();
    decode_padded(&letters?)
}

/// Writes padded standard base64.
pub(crate) fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let word = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for place in 0..4 {
            let index = (word >> (18 - 6 * place)) & 0x3f;
            let letter = STANDARD.get(index as usize).copied().unwrap_or(b'=');
            text.push(if place > chunk.len() { b'=' } else { letter });
        }
    }
    text
}

fn digit(letter: u8) -> u8 {
    match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => 0xff,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn url(bytes: &[u8]) -> Vec<u8> {
        encode(bytes)
            .into_iter()
            .filter(|letter| *letter != b'=')
            .map(|letter| match letter {
                b'+' => b'-',
                b'/' => b'_',
                other => other,
            })
            .collect()
    }

    #[test]
    fn rfc_4648_has_these_examples() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text.as_bytes());
            assert_eq!(
                decode(text.trim_end_matches('=').as_bytes()).as_deref(),
                Some(bytes.as_bytes())
            );
            assert_eq!(decode_member(text).as_deref(), Some(bytes.as_bytes()));
        }
    }

    #[test]
    fn one_text_has_one_meaning() {
        // Padding, white space, the other alphabet, unused bits, a lone letter, not ASCII.
        for text in [
            "Zg==", "Zg=", "Zm9v ", " Zm9v", "Zm\n9v", "+m9v", "/m9v", "Zh", "Zm9", "Z", "Zm9vA",
            "Zm9é",
        ] {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
        for text in ["Zg=", "Zg===", "Zm9v=", "Zm9v====", "=", "Zg==Zg=="] {
            assert_eq!(decode_member(text), None, "{text}");
        }
    }

    #[test]
    fn lines_of_standard_base64_are_read() {
        for (text, bytes) in [
            ("+/+/", Some(&[0xfb, 0xff, 0xbf][..])),
            (" Zm9v\r\nYg==\n", Some(b"foob")),
            ("Zm9vYg", Some(b"foob")),
            ("-_-_", None),
            ("Zm9v,", None),
            ("Z===", None),
        ] {
            assert_eq!(decode_standard(text.as_bytes()).as_deref(), bytes, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assert_eq!(decode(&url(&bytes)), Some(bytes));
        }

        #[test]
        fn what_is_read_is_written_so_and_not_otherwise(text in prop::collection::vec(any::<u8>(), 0..12)) {
            if let Some(bytes) = decode(&text) {
                prop_assert_eq!(url(&bytes), text);
            }
        }
    }
}
