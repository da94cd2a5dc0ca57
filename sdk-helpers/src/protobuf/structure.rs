//! `google.protobuf.Struct` as JSON values: configurations written as YAML, and dynamic metadata.

use serde_json::{Map, Number, Value};

use super::wire::{Field, Fields};

/// As deep as `serde_json` goes into text.
const DEEPEST: u8 = 128;

/// Reads a serialized `google.protobuf.Struct`, of which every byte must be part: protobuf passes
/// over fields it does not know, and would take much text for an empty Struct, and of a key given
/// twice it keeps the last.
pub fn read_struct(bytes: &[u8]) -> Option<Value> {
    object(bytes, DEEPEST)
}

/// Reads one namespace of serialized dynamic metadata (`envoy.config.core.v3.Metadata`).
pub fn read_metadata(bytes: &[u8], namespace: &str) -> Option<Value> {
    let mut found = None;
    for field in Fields::of(bytes) {
        if let (1, entry) = field?
            && let (key, Some(fields)) = entry_of(entry.bytes()?)?
            && key == namespace
        {
            found = Some(fields);
        }
    }
    read_struct(found?)
}

/// The key and the value of a map's entry; of the value, `None` where it is left out.
fn entry_of(entry: &[u8]) -> Option<(&str, Option<&[u8]>)> {
    let (mut key, mut value) = ("", None);
    for field in Fields::of(entry) {
        match field? {
            (1, text) => key = text.text()?,
            (2, message) => value = Some(message.bytes()?),
            _ => return None,
        }
    }
    Some((key, value))
}

fn object(bytes: &[u8], depth: u8) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let mut map = Map::new();
    for field in Fields::of(bytes) {
        let (1, entry) = field? else { return None };
        let (key, value) = entry_of(entry.bytes()?)?;
        let value = json(value.unwrap_or_default(), depth)?;
        if map.insert(key.to_owned(), value).is_some() {
            return None;
        }
    }
    Some(Value::Object(map))
}

fn list(bytes: &[u8], depth: u8) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let mut list = Vec::new();
    for field in Fields::of(bytes) {
        let (1, value) = field? else { return None };
        list.push(json(value.bytes()?, depth)?);
    }
    Some(Value::Array(list))
}

/// A `google.protobuf.Value`: one field of six, or none, which is null.
fn json(bytes: &[u8], depth: u8) -> Option<Value> {
    let mut fields = Fields::of(bytes);
    let Some(field) = fields.next() else {
        return Some(Value::Null);
    };
    let value = match field? {
        (1, Field::Varint(_)) => Value::Null,
        (2, Field::Fixed64(bits)) => number_value(f64::from_bits(bits)),
        (3, text) => Value::String(text.text()?.to_owned()),
        (4, Field::Varint(flag)) => Value::Bool(flag != 0),
        (5, Field::Bytes(fields)) => object(fields, depth)?,
        (6, Field::Bytes(values)) => list(values, depth)?,
        _ => return None,
    };
    fields.next().is_none().then_some(value)
}

/// A Struct's numbers are doubles: 1 arrives as 1.0 and is 1 again here. What no JSON can say
/// (NaN, infinities) is null, which every reader refuses where a number is wanted.
pub(crate) fn number_value(number: f64) -> Value {
    /// Beyond it a double no longer tells neighbouring integers apart.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[allow(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
        return Value::Number(Number::from(number as i64));
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use prost::Message as _;
    use prost_types::{ListValue, Struct, Value as Proto, value::Kind};

    fn value() -> impl Strategy<Value = Proto> {
        let leaf = prop_oneof![
            Just(Kind::NullValue(0)),
            any::<bool>().prop_map(Kind::BoolValue),
            any::<f64>().prop_map(Kind::NumberValue),
            ".{0,5}".prop_map(Kind::StringValue),
        ];
        let kind = leaf.prop_recursive(4, 30, 4, |inner| {
            let value = inner.prop_map(|kind| Proto { kind: Some(kind) });
            prop_oneof![
                prop::collection::vec(value.clone(), 0..4)
                    .prop_map(|values| Kind::ListValue(ListValue { values })),
                prop::collection::btree_map(".{1,3}", value, 0..4)
                    .prop_map(|fields| Kind::StructValue(Struct { fields })),
            ]
        });
        kind.prop_map(|kind| Proto { kind: Some(kind) })
    }

    /// What the value means, by prost's reading.
    fn meaning(value: &Proto) -> Value {
        match value.kind.as_ref().expect("a kind") {
            Kind::NullValue(_) => Value::Null,
            Kind::BoolValue(flag) => Value::Bool(*flag),
            Kind::NumberValue(number) => number_value(*number),
            Kind::StringValue(text) => Value::String(text.clone()),
            Kind::ListValue(list) => list.values.iter().map(meaning).collect(),
            Kind::StructValue(fields) => fields
                .fields
                .iter()
                .map(|(key, value)| (key.clone(), meaning(value)))
                .collect(),
        }
    }

    proptest! {
        #[test]
        fn a_struct_means_what_prost_reads(fields in prop::collection::btree_map(".{1,3}", value(), 0..5)) {
            let expected: Value = fields.iter().map(|(k, v)| (k.clone(), meaning(v))).collect();
            prop_assert_eq!(read_struct(&Struct { fields }.encode_to_vec()), Some(expected));
        }

        #[test]
        fn what_is_taken_is_what_prost_takes(bytes in prop::collection::vec(0u8..40, 0..30)) {
            if read_struct(&bytes).is_some() {
                prop_assert!(Struct::decode(bytes.as_slice()).is_ok());
            }
        }
    }

    #[test]
    fn every_byte_must_be_part_of_it() {
        let of = |text: &str| Proto {
            kind: Some(Kind::StringValue(text.into())),
        };
        let bytes = Struct {
            fields: [("a".to_owned(), of("x"))].into(),
        }
        .encode_to_vec();
        assert!(read_struct(&bytes).is_some());
        for extra in [&bytes[..], b"\x12\x00", b"\x08\x01", b"x"] {
            let longer = [&bytes, extra].concat();
            assert_eq!(read_struct(&longer), None, "{extra:?}");
        }
    }
}
