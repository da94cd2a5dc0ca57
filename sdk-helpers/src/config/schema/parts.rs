//! The schema of a configuration that has those of several filters in it.

use serde_json::{Map, Value, json};

use super::super::table::{Table, Type};
use super::objects::ELEMENT;
use super::{Definitions, reference, set, whole};

/// The list of objects that are sorted by kind.
const RESOURCES: &str = "resources";
const RESOURCE: &str = "resource";

/// A filter whose configuration is a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The field.
    pub field: &'static str,
    /// The kind of the filter's objects.
    pub kind: &'static str,
    /// The schema of the filter's configuration by itself.
    pub schema: Value,
}

/// The schema of a configuration whose fields are, some of them, configurations of filters, each in any
/// way that the filter takes by itself, and in which `resources` are objects of all of them.
pub fn schema_of_parts(title: &str, configuration: &Table, parts: &[Part]) -> Value {
    let mut own = configuration.clone();
    for field in &mut own.fields {
        if parts.iter().any(|part| part.field == field.name) {
            // Its definitions are its own.
            field.kind = Type::Anything;
        }
    }
    let mut definitions = Definitions::default();
    let schema = definitions.define("configuration", &own, None);
    let mut definitions = definitions.into_schema();
    let place = "/configuration/properties";
    if let Some(Value::Object(fields)) = definitions.pointer_mut(place) {
        for part in parts {
            let or_null = json!([reference(part.field), {"type": "null"}]);
            extend(fields, part.field, &[("anyOf", or_null)]);
        }
        let list = json!({"type": "array", "items": reference(RESOURCE)});
        let list = [
            ("type", json!(["array", "object", "null"])),
            ("items", reference(RESOURCE)),
            // A List of Kubernetes'.
            ("required", json!(["items"])),
            ("properties", json!({ "items": list })),
        ];
        extend(fields, RESOURCES, &list);
    }
    set(&mut definitions, RESOURCE, resource(parts));
    for part in parts {
        let below = format!("{}/$defs/", part.field);
        set(&mut definitions, part.field, moved(&part.schema, &below));
    }
    whole(schema, title, configuration, definitions)
}

fn extend(fields: &mut Map<String, Value>, name: &str, what: &[(&str, Value)]) {
    if let Some(field) = fields.get_mut(name) {
        for (key, value) in what {
            set(field, key, value.clone());
        }
    }
}

/// An object of any of the kinds, or a list of some.
fn resource(parts: &[Part]) -> Value {
    let kinds: Vec<&str> = parts.iter().map(|part| part.kind).collect();
    let of_kind = parts.iter().map(|part| {
        let element = reference(&format!("{}/$defs/{ELEMENT}", part.field));
        json!({"if": {"properties": {"kind": {"const": part.kind}}}, "then": element})
    });
    let of_kind: Vec<Value> = of_kind.collect();
    let list = json!({
        "required": ["items"],
        "properties": {"kind": {"type": "string", "pattern": "List$"}, "items": {"type": "array"}},
    });
    json!({
        "type": "object",
        "required": ["kind"],
        "if": list,
        "then": {"properties": {"items": {"items": reference(RESOURCE)}}},
        "else": {"properties": {"kind": {"enum": kinds}}, "allOf": of_kind},
    })
}

/// A schema as a definition in another: its own definitions are found below it.
fn moved(schema: &Value, below: &str) -> Value {
    match schema {
        Value::Object(map) => {
            let moved = map.iter().filter(|(name, _)| *name != "$schema");
            let moved = moved.map(|(name, value)| {
                let there = match (name.as_str(), value.as_str()) {
                    ("$ref", Some(to)) => to
                        .strip_prefix("#/$defs/")
                        .map(|rest| json!(format!("#/$defs/{below}{rest}"))),
                    _ => None,
                };
                (
                    name.clone(),
                    there.unwrap_or_else(|| self::moved(value, below)),
                )
            });
            Value::Object(moved.collect())
        }
        Value::Array(list) => list.iter().map(|value| moved(value, below)).collect(),
        leaf => leaf.clone(),
    }
}
