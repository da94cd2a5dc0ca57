//! A change to a header map, and what a value must not hold.

use std::borrow::Cow;

use super::TextPart;
use crate::text::{ONES, word, zeros};

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
    const CR: u64 = ONES * b'\r' as u64;
    const LF: u64 = ONES * b'\n' as u64;
    let (words, rest) = value.as_chunks();
    for bytes in words {
        let word = word(bytes);
        if zeros(word) | zeros(word ^ CR) | zeros(word ^ LF) != 0 {
            return false;
        }
    }
    !rest.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0))
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
