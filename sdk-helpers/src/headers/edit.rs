//! A change to a header map, and what a value must not hold.

use std::borrow::Cow;

use super::TextPart;

/// One change to a header map.
///
/// A value with CR, LF or NUL is left out: toward the client Envoy writes it as it is, and the
/// client would read a header of somebody else's making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderEdit {
    /// Replaces every value.
    Set(Cow<'static, str>, Vec<u8>),
    /// Adds a value beside those there are.
    Add(Cow<'static, str>, Vec<u8>),
    /// The same with a value that is a part of a text, which is safe.
    AddPart(&'static str, TextPart),
    /// Removes every value.
    Remove(Cow<'static, str>),
    /// Replaces every value where there is one, and else does nothing.
    Overwrite(Cow<'static, str>, Vec<u8>),
    /// Adds a value where there is none, and else does nothing.
    Supply(Cow<'static, str>, Vec<u8>),
}

impl HeaderEdit {
    /// The header's name. It is in lower case, as Envoy's maps have names.
    pub fn name(&self) -> &str {
        match self {
            HeaderEdit::Set(name, _)
            | HeaderEdit::Add(name, _)
            | HeaderEdit::Remove(name)
            | HeaderEdit::Overwrite(name, _)
            | HeaderEdit::Supply(name, _) => name,
            HeaderEdit::AddPart(name, _) => name,
        }
    }

    /// The value that is written, where one is.
    pub fn value(&self) -> Option<&[u8]> {
        match self {
            HeaderEdit::Set(_, value)
            | HeaderEdit::Add(_, value)
            | HeaderEdit::Overwrite(_, value)
            | HeaderEdit::Supply(_, value) => Some(value),
            HeaderEdit::AddPart(_, value) => Some(value),
            HeaderEdit::Remove(_) => None,
        }
    }

    /// Whether the value can be written without ending its line.
    pub fn is_safe(&self) -> bool {
        match self {
            HeaderEdit::AddPart(..) => true,
            _ => self.value().is_none_or(is_safe_value),
        }
    }
}

/// Whether a header value holds none of CR, LF and NUL (RFC 9110 §5.5).
pub fn is_safe_value(value: &[u8]) -> bool {
    let (words, rest) = value.as_chunks::<8>();
    words
        .iter()
        .all(|word| is_safe_word(u64::from_le_bytes(*word)))
        && !rest.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0))
}

/// The same of eight bytes at once.
fn is_safe_word(word: u64) -> bool {
    /// Each byte is 1.
    const ONES: u64 = u64::MAX / 0xff;
    // A byte borrows from the next, and so has its highest bit set that it had not, where it is 0 or
    // where the one below it borrowed: there is some if and only if one of them is 0.
    let has_zero = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let (cr, lf) = (u64::from(b'\r') * ONES, u64::from(b'\n') * ONES);
    has_zero(word) | has_zero(word ^ cr) | has_zero(word ^ lf) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_would_end_its_line_is_unsafe() {
        for value in ["a\r\nx: y", "a\n", "\0"] {
            assert!(
                !HeaderEdit::Set("a".into(), value.into()).is_safe(),
                "{value:?}"
            );
        }
        assert!(HeaderEdit::Add("a".into(), b"caf\xe9\t".to_vec()).is_safe());
        assert!(HeaderEdit::Remove("a".into()).is_safe());
    }

    #[test]
    fn each_byte_is_looked_at_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for length in 1..20 {
                for place in 0..length {
                    let mut value = vec![b'a'; length];
                    value[place] = byte;
                    let safe = !matches!(byte, b'\r' | b'\n' | 0);
                    assert_eq!(is_safe_value(&value), safe, "{byte} {length} {place}");
                }
            }
        }
    }
}
