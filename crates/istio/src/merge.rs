//! Protobuf's merge, on JSON: scalars replaced, messages merged, lists appended, map entries and
//! Anys replaced whole. Durations are strings here, so they are replaced, as istiod sees to.

use super::{fields, json};
use serde_json::{Map, Value};

/// What happens to a list that both sides have.
#[derive(Clone, Copy)]
pub(super) enum Lists {
    /// `MERGE`.
    Append,
    /// `MERGE_AND_REPLACE_LIST`.
    Replace,
}

/// Merges the message `from` into the message `into`.
pub(super) fn message(into: &mut Value, from: &Value, lists: Lists) {
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) else {
        return;
    };
    let free_form = fields::is_free_form(into);
    for (key, new) in from {
        if new.is_null() || is_empty_list(new) {
            continue;
        }
        if let Some(oneof) = fields::oneof(key) {
            into.retain(|other, _| other == key || !oneof.contains(&other.as_str()));
        }
        match into.get_mut(key) {
            None => {
                into.insert(key.clone(), new.clone());
            }
            Some(old) if fields::is_map(key) || (free_form && key == "value") => entries(old, new),
            Some(old) => field(key, old, new, lists),
        }
    }
}

/// Merges two configurations of the same type; of different types, the old one is kept.
pub(super) fn any(into: &mut Value, from: &Value) -> Result<(), String> {
    let (old, new) = (json::type_name(into), json::type_name(from));
    if old != new {
        return Err(format!(
            "its type is `{old}`, not `{new}`, so it keeps its configuration"
        ));
    }
    let mut from = from.clone();
    if let Some(from) = from.as_object_mut() {
        from.remove("@type");
    }
    message(into, &from, Lists::Append);
    Ok(())
}

fn field(key: &str, old: &mut Value, new: &Value, lists: Lists) {
    match (old, new) {
        (Value::Array(old), Value::Array(new)) => {
            if matches!(lists, Lists::Replace) {
                old.clear();
            }
            old.extend(new.iter().cloned());
        }
        // An Any inside a message is two fields, a type and bytes.
        (old, Value::Object(new)) if new.contains_key("@type") => {
            *old = Value::Object(new.clone());
        }
        (old @ Value::Object(_), Value::Object(_)) => message(old, new, lists),
        // A zero value is not set, in protobuf, so it is not merged either; in a oneof it is.
        (_, new) if is_zero(new) && fields::oneof(key).is_none() => {}
        (old, new) => *old = new.clone(),
    }
}

fn entries(old: &mut Value, new: &Value) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => old.extend(new.clone()),
        (old, new) => *old = new.clone(),
    }
}

fn is_empty_list(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Bool(set) => !set,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn messages_merge_field_by_field() {
        for (what, old, new, merged) in [
            (
                "scalar",
                json!({"a": 1, "b": 2}),
                json!({"b": 3}),
                json!({"a": 1, "b": 3}),
            ),
            (
                "message",
                json!({"m": {"a": 1}}),
                json!({"m": {"b": 2}}),
                json!({"m": {"a": 1, "b": 2}}),
            ),
            (
                "list",
                json!({"l": [1]}),
                json!({"l": [2]}),
                json!({"l": [1, 2]}),
            ),
            (
                "duration",
                json!({"timeout": "5s"}),
                json!({"timeout": "0s"}),
                json!({"timeout": "0s"}),
            ),
            ("null", json!({"a": 1}), json!({"a": null}), json!({"a": 1})),
            (
                "zero",
                json!({"a": true, "b": 1}),
                json!({"a": false, "b": 0}),
                json!({"a": true, "b": 1}),
            ),
            (
                "new zero",
                json!({}),
                json!({"a": false}),
                json!({"a": false}),
            ),
            (
                "map entry",
                json!({"typed_per_filter_config": {"f": {"a": 1}, "g": 1}}),
                json!({"typed_per_filter_config": {"f": {"b": 2}}}),
                json!({"typed_per_filter_config": {"f": {"b": 2}, "g": 1}}),
            ),
            (
                "any in a message",
                json!({"any": {"@type": "t/A", "a": 1}}),
                json!({"any": {"@type": "t/A", "b": 2}}),
                json!({"any": {"@type": "t/A", "b": 2}}),
            ),
            (
                "oneof",
                json!({"match": {"prefix": "/"}, "redirect": {}}),
                json!({"match": {"path": "/a"}, "direct_response": {"status": 200}}),
                json!({"match": {"path": "/a"}, "direct_response": {"status": 200}}),
            ),
        ] {
            let mut found = old;
            message(&mut found, &new, Lists::Append);
            assert_eq!(found, merged, "{what}");
        }
    }

    #[test]
    fn lists_are_replaced_where_asked_but_not_cleared() {
        let mut found = json!({ "m": { "a": [1], "b": [1] } });
        message(
            &mut found,
            &json!({ "m": { "a": [2], "b": [] } }),
            Lists::Replace,
        );
        assert_eq!(found, json!({ "m": { "a": [2], "b": [1] } }));
    }

    #[test]
    fn a_free_form_value_merges_by_top_level_key() {
        let mut found =
            json!({ "@type": "t/google.protobuf.Struct", "value": { "a": { "b": 1 }, "c": 1 } });
        let new = json!({ "@type": "u/google.protobuf.Struct", "value": { "a": { "d": 2 } } });
        any(&mut found, &new).unwrap();
        assert_eq!(found["value"], json!({ "a": { "d": 2 }, "c": 1 }));
        assert_eq!(found["@type"], "t/google.protobuf.Struct");
    }
}
