//! A configuration as Envoy hands it to a module when it was written as plain YAML.

use prost::Message as _;
use prost_types::{ListValue, Struct, Value as Proto, value::Kind};
use serde_json::{Map, Value};

/// Serializes a mapping as `google.protobuf.Struct`.
///
/// # Panics
/// If it is no mapping.
pub fn encode_struct(value: &Value) -> Vec<u8> {
    let map = value.as_object().expect("a configuration is a mapping");
    fields(map).encode_to_vec()
}

fn fields(map: &Map<String, Value>) -> Struct {
    Struct {
        fields: map
            .iter()
            .map(|(key, value)| (key.clone(), proto(value)))
            .collect(),
    }
}

fn proto(value: &Value) -> Proto {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(flag) => Kind::BoolValue(*flag),
        Value::Number(number) => Kind::NumberValue(number.as_f64().expect("a double")),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(list) => Kind::ListValue(ListValue {
            values: list.iter().map(proto).collect(),
        }),
        Value::Object(map) => Kind::StructValue(fields(map)),
    };
    Proto { kind: Some(kind) }
}
