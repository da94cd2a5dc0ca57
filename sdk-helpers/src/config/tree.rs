//! Bytes to a tree of JSON values, whichever way Envoy was given the configuration.

use std::fmt::{self, Write as _};

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::problems::ConfigError;
use crate::protobuf::{number_value, read_struct};

/// Reads the bytes of a plugin configuration: JSON text (a `StringValue`, what Istio sends), or the
/// serialized protobuf `Struct` that Envoy hands over for plain YAML. No bytes are an empty mapping.
///
/// # Errors
/// When the bytes are neither, or a key stands twice in one mapping, in which case one of its
/// values would silently not count.
pub fn parse(bytes: &[u8]) -> Result<Value, ConfigError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(Map::new()));
    }
    let json_error = match json(bytes) {
        Ok(tree) => return Ok(tree),
        Err(error) => error,
    };
    if let Some(tree) = read_struct(bytes) {
        return Ok(tree);
    }
    Err(ConfigError::new(
        String::new(),
        &format!(
            "the configuration is neither JSON text nor a google.protobuf.Struct: {json_error}; \
             in an Envoy file put plain YAML under `configuration` with \
             `\"@type\": type.googleapis.com/google.protobuf.Struct`"
        ),
    ))
}

/// Reads JSON text as RFC 8259 has it, and refuses a key given twice in one mapping at any depth.
///
/// # Errors
/// What is wrong, and where. It may quote a key.
pub fn json(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice::<Tree>(bytes).map(|tree| tree.0)
}

/// A short hash that tells two configurations apart, the same for JSON text and Struct. For people
/// who compare what runs with what they meant to run; no defence against anyone.
pub fn hash(tree: &Value) -> u32 {
    // Over the canonical text, which is never there as a whole: keys are sorted, whole numbers have
    // one spelling.
    let mut hash = Hash(0x811c_9dc5);
    let _ = write!(hash, "{tree}");
    hash.0
}

/// The same of a mapping.
pub(super) fn hash_of(map: &Map<String, Value>) -> u32 {
    map.iter().fold(0, |all, (name, value)| {
        let mut hash = Hash(all ^ 0x811c_9dc5);
        let _ = write!(hash, "{name}:{value}");
        hash.0
    })
}

/// FNV-1a of what is written to it.
struct Hash(u32);

impl fmt::Write for Hash {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
        Ok(())
    }
}

/// A JSON value that refuses a key given twice, and spells whole numbers one way.
struct Tree(Value);

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor).map(Tree)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number_value(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Tree(element)) = elements.next_element()? {
            list.push(element);
        }
        list.shrink_to_fit();
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, Tree(value))) = entries.next_entry::<String, Tree>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("the key `{key}` stands twice")));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message as _;
    use prost_types::{Struct, Value as Proto, value::Kind};
    use serde_json::json;

    fn proto(value: &Value) -> Proto {
        let kind = match value {
            Value::Null => Kind::NullValue(0),
            Value::Bool(flag) => Kind::BoolValue(*flag),
            Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap()),
            Value::String(text) => Kind::StringValue(text.clone()),
            Value::Array(list) => Kind::ListValue(prost_types::ListValue {
                values: list.iter().map(proto).collect(),
            }),
            Value::Object(map) => Kind::StructValue(fields(map)),
        };
        Proto { kind: Some(kind) }
    }

    fn fields(map: &Map<String, Value>) -> Struct {
        Struct {
            fields: map.iter().map(|(k, v)| (k.clone(), proto(v))).collect(),
        }
    }

    #[test]
    fn text_and_struct_are_the_same_tree() {
        let tree = json!({"http": [{"fault": {"delay": {"percentage": {"value": 10}, "fixedDelay": "5s"}}}],
            "n": null, "f": 0.5, "b": true, "neg": -3});
        let text = parse(tree.to_string().as_bytes()).unwrap();
        let serialized = parse(&fields(tree.as_object().unwrap()).encode_to_vec()).unwrap();
        assert_eq!(text, tree);
        assert_eq!(serialized, tree);
        assert_eq!(hash(&text), hash(&serialized));
        assert_ne!(hash(&text), hash(&json!({})));
    }

    #[test]
    fn a_double_is_the_whole_number_it_is() {
        assert_eq!(parse(b"{\"a\": 1.0}").unwrap(), json!({"a": 1}));
        assert_eq!(parse(b"{\"a\": 1e300}").unwrap(), json!({"a": 1e300}));
    }

    #[test]
    fn no_bytes_are_an_empty_mapping() {
        assert_eq!(parse(b"").unwrap(), json!({}));
        assert_eq!(parse(b" \n").unwrap(), json!({}));
    }

    #[test]
    fn what_is_neither_is_refused_with_the_reason() {
        for (bytes, reason) in [
            (&b"{\"a\": 1,}"[..], "trailing comma"),
            (b"http:\n- fault: {}\n", "expected value"),
            (b"{\"a\": 1, \"a\": 2}", "the key `a` stands twice"),
            (b"\xff\xff", "expected value"),
            // Reads as protobuf of some other message.
            (b"hello", "expected value"),
            (b"\n\n\n\n\n\n\n\n\n\n\n\na", "expected value"),
        ] {
            let error = parse(bytes).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "[".repeat(100_000);
        assert!(parse(deep.as_bytes()).is_err());
        let mut nested = Struct::default();
        for _ in 0..500 {
            let kind = Some(Kind::StructValue(nested));
            nested = Struct {
                fields: [("a".to_owned(), Proto { kind })].into(),
            };
        }
        assert!(parse(&nested.encode_to_vec()).is_err());
    }
}
