//! The two protobuf messages Envoy hands to a module, turned into JSON values.

use std::collections::HashMap;

use prost::Message as _;
use prost_types::value::Kind;
use serde_json::{Map, Number, Value};

/// `envoy.config.core.v3.Metadata`, as far as it is read here.
#[derive(Clone, PartialEq, prost::Message)]
struct Metadata {
    #[prost(map = "string, message", tag = "1")]
    filter_metadata: HashMap<String, prost_types::Struct>,
}

/// Reads a serialized `google.protobuf.Struct`, of which every byte must be part: protobuf passes
/// over fields it does not know, and would take much text for an empty Struct, and of a key given
/// twice it keeps the last.
pub(crate) fn read_struct(bytes: &[u8]) -> Option<Value> {
    let message = prost_types::Struct::decode(bytes).ok()?;
    (message.encoded_len() == bytes.len()).then(|| object(message))
}

/// Reads one namespace of serialized dynamic metadata.
pub(crate) fn read_metadata(bytes: &[u8], namespace: &str) -> Option<Value> {
    let mut metadata = Metadata::decode(bytes).ok()?;
    metadata.filter_metadata.remove(namespace).map(object)
}

fn object(fields: prost_types::Struct) -> Value {
    // Inserted one by one: collecting would sort first, and bring a sort into every module.
    let mut map = Map::new();
    for (key, value) in fields.fields {
        map.insert(key, json(value));
    }
    Value::Object(map)
}

fn json(value: prost_types::Value) -> Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(flag)) => Value::Bool(flag),
        Some(Kind::NumberValue(number)) => number_value(number),
        Some(Kind::StringValue(text)) => Value::String(text),
        Some(Kind::ListValue(list)) => Value::Array(list.values.into_iter().map(json).collect()),
        Some(Kind::StructValue(fields)) => object(fields),
    }
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
