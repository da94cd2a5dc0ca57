//! Bytes of a request, taken apart.

use std::borrow::Cow;

/// What stands before the first `at`, and behind it.
pub fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = bytes.iter().position(|byte| *byte == at)?;
    let (before, after) = bytes.split_at(place);
    Some((before, after.get(1..).unwrap_or_default()))
}

/// Percent-decoded (RFC 3986 §2.1). As in Envoy, what is no escape stands for itself, and so does
/// `+`.
pub fn percent_decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'%') {
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
