//! The fields of a serialized message, one after the other, and their writing.
//!
//! Source: the encoding as <https://protobuf.dev/programming-guides/encoding/> describes it.

/// The value of one field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Field<'a> {
    /// `int32`, `int64`, `uint32`, `uint64`, `bool` and enums.
    Varint(u64),
    /// `fixed64` and `double`.
    Fixed64(u64),
    /// `fixed32` and `float`.
    Fixed32(u32),
    /// Text, bytes and messages.
    Bytes(&'a [u8]),
}

impl<'a> Field<'a> {
    /// The bytes of text, bytes or a message.
    pub fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Field::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Text, which in protobuf is UTF-8.
    pub fn text(self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// A number, flag or enum.
    pub fn number(self) -> Option<u64> {
        match self {
            Field::Varint(number) => Some(number),
            _ => None,
        }
    }
}

/// Goes through the fields of a message: `Some((number, value))` for each, `None` where the bytes
/// are no message, after which it ends.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of a serialized message.
    pub fn of(message: &'a [u8]) -> Self {
        Fields { rest: message }
    }

    fn field(&mut self) -> Option<(u32, Field<'a>)> {
        let tag = u32::try_from(self.varint()?).ok()?;
        let value = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(*self.take(8)?.first_chunk()?)),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Field::Bytes(self.take(length)?)
            }
            5 => Field::Fixed32(u32::from_le_bytes(*self.take(4)?.first_chunk()?)),
            // Groups are long gone from the language, and the other two never were in it.
            _ => return None,
        };
        (tag >= 8).then_some((tag >> 3, value))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u32, Field<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// A message as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message(Vec<u8>);

impl Message {
    /// With no fields yet.
    pub fn new() -> Self {
        Message::default()
    }

    /// Adds text or bytes, also where they are empty.
    #[must_use]
    pub fn bytes(mut self, field: u32, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        self.varint(u64::from(field) << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    /// Adds text or bytes, unless they are empty, which is what leaving them out says.
    #[must_use]
    pub fn filled(self, field: u32, value: impl AsRef<[u8]>) -> Self {
        if value.as_ref().is_empty() {
            return self;
        }
        self.bytes(field, value)
    }

    /// Adds a message in this one.
    #[must_use]
    pub fn message(self, field: u32, value: &Message) -> Self {
        self.bytes(field, &value.0)
    }

    /// Adds a number, flag or enum, unless it is 0, which is what leaving it out says.
    #[must_use]
    pub fn number(mut self, field: u32, value: u64) -> Self {
        if value != 0 {
            self.varint(u64::from(field) << 3);
            self.varint(value);
        }
        self
    }

    /// The serialized message.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            #[allow(clippy::cast_possible_truncation, reason = "seven bits")]
            self.0.push(value as u8 & 0x7f | 0x80);
            value >>= 7;
        }
        #[allow(clippy::cast_possible_truncation, reason = "below 0x80")]
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use prost::Message as _;

    #[derive(Clone, PartialEq, prost::Message)]
    struct Sample {
        #[prost(string, tag = "1")]
        text: String,
        #[prost(uint64, tag = "2")]
        number: u64,
        #[prost(double, tag = "3")]
        double: f64,
        #[prost(message, optional, tag = "17")]
        inner: Option<Box<Sample>>,
        #[prost(fixed32, tag = "536870911")]
        fixed: u32,
    }

    fn read(bytes: &[u8]) -> Option<Vec<(u32, Field<'_>)>> {
        Fields::of(bytes).collect()
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_prost_writes(text in ".{0,200}", number: u64, inner in ".{0,3}") {
            let theirs = Sample {
                text: text.clone(),
                number,
                inner: Some(Box::new(Sample { text: inner.clone(), ..Sample::default() })),
                ..Sample::default()
            };
            let ours = Message::new()
                .filled(1, &text)
                .number(2, number)
                .message(17, &Message::new().filled(1, &inner));
            prop_assert_eq!(ours.into_bytes(), theirs.encode_to_vec());
        }

        #[test]
        fn what_prost_writes_is_read(text in ".{0,200}", number: u64, double: f64, fixed: u32) {
            let bytes = Sample { text: text.clone(), number, double, inner: None, fixed }.encode_to_vec();
            let fields = read(&bytes).expect("a message");
            let find = |number| fields.iter().find(|(n, _)| *n == number).map(|(_, value)| *value);
            prop_assert_eq!(find(1).and_then(Field::text).unwrap_or_default(), text);
            prop_assert_eq!(find(2).and_then(Field::number).unwrap_or_default(), number);
            let bits = match find(3) { Some(Field::Fixed64(bits)) => bits, _ => 0 };
            // Of both zeros prost writes nothing.
            prop_assert_eq!(bits, if double == 0.0 { 0 } else { double.to_bits() });
            prop_assert_eq!(find(536_870_911).unwrap_or(Field::Fixed32(0)), Field::Fixed32(fixed));
        }

        #[test]
        fn any_bytes_are_fields_or_none(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            // What prost takes as a message of unknown fields is one here, but for groups.
            if let Some(fields) = read(&bytes) {
                prop_assert!(fields.iter().all(|(number, _)| *number > 0));
                prop_assert!(<() as prost::Message>::decode(bytes.as_slice()).is_ok());
            }
        }
    }

    #[test]
    fn what_breaks_off_is_no_message() {
        for bytes in [
            &b"\x0a"[..],
            b"\x0a\x05abc",
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
            b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
            b"\x09\0\0\0",
            b"\x0d\0\0",
            b"\x00\x00",
            b"\x0b",
            b"\x0f",
        ] {
            assert_eq!(read(bytes), None, "{bytes:?}");
        }
        assert_eq!(read(b""), Some(vec![]));
    }
}
