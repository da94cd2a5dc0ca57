//! Values as YAML that a person reads, and that Envoy's own parser reads as the same.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

/// What people look for first in a mapping.
const FIRST: [&str; 8] = [
    "apiVersion",
    "kind",
    "metadata",
    "name",
    "namespace",
    "action",
    "match",
    "key",
];

/// A value with the fields of its mappings in the order of reading.
struct Ordered<'a>(&'a Value);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&Ordered(item))?;
                }
                list.end()
            }
            Value::Object(fields) => {
                let rank = |name: &str| {
                    FIRST
                        .iter()
                        .position(|first| *first == name)
                        .unwrap_or(FIRST.len())
                };
                let mut ordered: Vec<_> = fields.iter().collect();
                ordered.sort_by_key(|(name, _)| rank(name));
                let mut map = serializer.serialize_map(Some(ordered.len()))?;
                for (name, value) in ordered {
                    map.serialize_entry(name, &Ordered(value))?;
                }
                map.end()
            }
            leaf => leaf.serialize(serializer),
        }
    }
}

/// A value in block style, its lines ended.
pub(super) fn block(value: &Value) -> Result<String, String> {
    let options = serde_saphyr::ser_options! {
        // A token or a regular expression on several lines is one that nobody can copy.
        prefer_block_scalars: false,
        compact_list_indent: true,
    };
    let text = serde_saphyr::to_string_with_options(&Ordered(value), options);
    let mut text = text.map_err(|error| format!("this cannot be written as YAML: {error}"))?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// The same, each line behind so many spaces.
pub(super) fn indented(value: &Value, indent: usize) -> Result<String, String> {
    let text = block(value)?;
    let lines = text.lines().map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("{:indent$}{line}\n", ""),
    });
    Ok(lines.collect())
}

/// A text on one line, quoted where it would be read as something else.
pub(super) fn scalar(text: &str) -> Result<String, String> {
    Ok(block(&Value::from(text))?.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(text: &str) -> Value {
        serde_saphyr::from_str(text).unwrap()
    }

    fn value() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            "\\PC{0,12}",
            "[-0-9a-fxny.:+_ #*&!%@`'\"{}\\[\\],|>?~=<\\n\\t\\\\]{0,10}",
            Just("on".to_owned()),
            Just("0x10".to_owned()),
            Just("1e3".to_owned()),
            Just("2026-01-01".to_owned()),
            "[a-z ]{90,120}",
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1.0e6..1.0e6).prop_map(|number: f64| json!(number)),
            text.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(text.clone(), inner, 0..4).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same(value in value()) {
            let text = block(&value).unwrap();
            prop_assert_eq!(read(&text), value.clone(), "{}", text);
            let nested = format!("a:\n  - b:\n{}", indented(&value, 8).unwrap());
            prop_assert_eq!(&read(&nested)["a"][0]["b"], &value, "{}", nested);
        }
    }

    #[test]
    fn texts_that_parsers_take_for_something_else_are_quoted() {
        for text in [
            "yes", "no", "on", "off", "y", "N", "true", "null", "~", "80", "1e3", "0x1F", "0.5", "",
        ] {
            let written = scalar(text).unwrap();
            assert!(written.starts_with(['"', '\'']), "{text}: {written}");
        }
        assert_eq!(scalar("mesh-filters").unwrap(), "mesh-filters");
        let text = block(&json!({"rules": [{"to": 1, "from": 2}], "name": "a"})).unwrap();
        assert_eq!(text, "name: a\nrules:\n- from: 2\n  to: 1\n");
    }
}
