//! The little of DER (X.690 §10) that the key in a certificate takes to reach: what a value is, how
//! long it is, and what follows. Everything is checked, nothing is believed, and nothing is copied.

/// Values of DER, one behind the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Der<'a>(pub(super) &'a [u8]);

/// Kinds of values.
pub(super) mod tag {
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const SEQUENCE: u8 = 0x30;
    /// `[0]`, with a value of its own in it.
    pub(crate) const CONTEXT_0: u8 = 0xa0;
}

impl<'a> Der<'a> {
    /// The kind of the next value and what is in it.
    pub(super) fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, size, rest) = match *self.0 {
            [tag, size @ 0..=0x7f, ref rest @ ..] => (tag, usize::from(size), rest),
            [tag, 0x81, size @ 0x80..=0xff, ref rest @ ..] => (tag, usize::from(size), rest),
            [tag, 0x82, high @ 1..=0xff, low, ref rest @ ..] => {
                (tag, usize::from(u16::from_be_bytes([high, low])), rest)
            }
            // Longer than a certificate is, or not as DER writes it: 64 KiB are enough.
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(size)?;
        self.0 = rest;
        Some((tag, value))
    }

    /// The next value, which must be of this kind.
    pub(super) fn value(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.any()
            .filter(|(found, _)| *found == tag)
            .map(|(_, value)| value)
    }

    /// The values in the next one, which must be a sequence.
    pub(super) fn sequence(&mut self) -> Option<Der<'a>> {
        self.value(tag::SEQUENCE).map(Der)
    }

    /// A number that is not negative, without the zero before it.
    pub(super) fn number(&mut self) -> Option<&'a [u8]> {
        match self.value(tag::INTEGER)? {
            [0, number @ ..] => Some(number),
            number @ [0x01..=0x7f, ..] => Some(number),
            _ => None,
        }
    }

    /// The bytes of the next value, which must be a text of whole bytes.
    pub(super) fn bits(&mut self) -> Option<&'a [u8]> {
        match self.value(tag::BIT_STRING)? {
            [0, bytes @ ..] => Some(bytes),
            _ => None,
        }
    }

    /// Whether nothing follows.
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_have_one_spelling() {
        for size in [0usize, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff] {
            let header: Vec<u8> = match size {
                0..0x80 => vec![0x30, size as u8],
                0x80..0x100 => vec![0x30, 0x81, size as u8],
                _ => vec![0x30, 0x82, (size >> 8) as u8, size as u8],
            };
            let bytes = [header, vec![7; size], vec![5, 0]].concat();
            let mut der = Der(&bytes);
            assert_eq!(der.value(tag::SEQUENCE).map(<[u8]>::len), Some(size));
            assert_eq!(der.any(), Some((5, &[][..])));
            assert!(der.is_empty() && der.any().is_none());
        }
        for bytes in [
            &[0x30][..],
            &[0x30, 1],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x81, 0x7f],
            &[0x30, 0x82, 0, 1, 7],
            &[0x30, 0x83, 0, 0, 1, 7],
            &[0x30, 0x82, 1],
        ] {
            assert_eq!(Der(bytes).any(), None, "{bytes:?}");
        }
    }

    #[test]
    fn a_number_is_not_negative() {
        for (bytes, number) in [
            (&[2, 1, 5][..], Some(&[5][..])),
            (&[2, 2, 0, 0x80], Some(&[0x80])),
            (&[2, 1, 0], Some(&[])),
            (&[2, 1, 0x80], None),
            (&[2, 0], None),
            (&[3, 1, 5], None),
        ] {
            assert_eq!(Der(bytes).number(), number, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_their_end_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut der = Der(&bytes);
            let mut left = bytes.len();
            while let Some((_, value)) = der.any() {
                prop_assert!(value.len() + 2 <= left);
                left = der.0.len();
            }
        }
    }
}
