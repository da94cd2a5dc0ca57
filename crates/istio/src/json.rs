//! Reading and editing Envoy objects as JSON, where an absent field is its default.

use serde_json::Value;

/// The string at `key`, empty where absent.
pub(super) fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The name of an Envoy object.
pub(super) fn name(object: &Value) -> &str {
    text(object, "name")
}

/// The items at `key`, none where absent.
pub(super) fn items<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    object
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The list at `key`, where there is one.
pub(super) fn existing_list<'a>(object: &'a mut Value, key: &str) -> Option<&'a mut Vec<Value>> {
    object.get_mut(key).and_then(Value::as_array_mut)
}

/// The list at `key`, made where absent; none where `object` has no fields.
pub(super) fn list<'a>(object: &'a mut Value, key: &str) -> Option<&'a mut Vec<Value>> {
    let slot = object.as_object_mut()?.entry(key).or_insert(Value::Null);
    if !slot.is_array() {
        *slot = Value::Array(Vec::new());
    }
    slot.as_array_mut()
}

/// Takes the list at `key` out, to be set again; empty where absent.
pub(super) fn take_list(object: &mut Value, key: &str) -> Vec<Value> {
    existing_list(object, key)
        .map(std::mem::take)
        .unwrap_or_default()
}

/// Sets a field; what has no fields stays as it is.
pub(super) fn set(object: &mut Value, key: &str, value: impl Into<Value>) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(key.to_owned(), value.into());
    }
}

/// Takes a field away; null where absent.
pub(super) fn remove(object: &mut Value, key: &str) -> Value {
    let fields = object.as_object_mut();
    fields
        .and_then(|fields| fields.remove(key))
        .unwrap_or_default()
}

/// The object at `key`, where there is one.
pub(super) fn existing_object<'a>(object: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    object.get_mut(key).filter(|value| value.is_object())
}

/// A type URL without its host part, which is not compared.
pub(super) fn type_name(any: &Value) -> &str {
    text(any, "@type").rsplit('/').next().unwrap_or_default()
}
