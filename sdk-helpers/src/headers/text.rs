//! A text of which several header values are parts.

use std::fmt;
use std::ops::{Deref, Range};
use std::rc::Rc;

use super::is_safe_value;

/// A text that header values are parts of, checked once for all of them: to write five headers takes
/// one allocation, and none where the text was made when the configuration was loaded.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedText(Rc<[u8]>);

impl SharedText {
    /// This text; none where a value with it could end its line, see [`is_safe_value`].
    #[inline]
    pub fn new(text: &[u8]) -> Option<Self> {
        is_safe_value(text).then(|| SharedText(text.into()))
    }

    /// A part of it; what is beyond its end is empty.
    #[inline]
    pub fn part(&self, range: Range<usize>) -> TextPart {
        TextPart {
            text: Rc::clone(&self.0),
            range,
        }
    }

    /// All of it.
    #[inline]
    pub fn whole(&self) -> TextPart {
        self.part(0..self.0.len())
    }
}

impl Deref for SharedText {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SharedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0.escape_ascii())
    }
}

/// A part of a [`SharedText`].
#[derive(Clone)]
pub struct TextPart {
    text: Rc<[u8]>,
    range: Range<usize>,
}

impl Deref for TextPart {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.text.get(self.range.clone()).unwrap_or_default()
    }
}

impl PartialEq for TextPart {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for TextPart {}

impl fmt::Debug for TextPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_what_stands_there() {
        let text = SharedText::new(b"r=12;t=7").unwrap();
        assert_eq!(*text.part(2..4), *b"12");
        assert_eq!(text.part(2..4), SharedText::new(b"12").unwrap().whole());
        assert_eq!(*text.whole(), *b"r=12;t=7");
        assert_eq!(*text.part(7..9), *b"");
        assert_eq!(format!("{:?}", text.part(0..1)), "`r`");
    }

    #[test]
    fn a_text_that_would_end_a_line_is_none() {
        for text in ["a\r\nb", "\n", "\0"] {
            assert_eq!(SharedText::new(text.as_bytes()), None);
        }
    }
}
