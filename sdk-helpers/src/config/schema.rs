//! JSON Schema (2020-12) from the tables of fields, for editors and whoever checks a file without
//! loading it.
//!
//! A schema refuses what the reader refuses: unknown fields, values of another kind, words that are
//! none of those there are, a field in both spellings. What a check finds out afterwards (that one
//! field needs another, that a regex is one) it cannot say.

mod objects;
mod parts;

use serde_json::{Map, Value, json};

use super::envelope::Envelope;
use super::names::snake;
use super::table::{Field, Notes, Table, Type};

pub use parts::{Part, schema_of_parts};

/// The schema of a filter's configuration in each way it may be written: its own shape, a whole
/// object of Kubernetes, its `spec`, and lists of them.
pub fn schema(filter: &str, configuration: &Table, envelope: &Envelope) -> Value {
    let mut definitions = Definitions::default();
    let schema = objects::any_way(configuration, envelope, &mut definitions);
    whole(schema, filter, configuration, definitions.into_schema())
}

/// A schema with what stands at the top of one.
fn whole(mut schema: Value, title: &str, configuration: &Table, definitions: Value) -> Value {
    for (key, value) in [
        ("$schema", VERSION.into()),
        ("title", title.into()),
        ("description", configuration.about.as_str().into()),
        ("$defs", definitions),
    ] {
        set(&mut schema, key, value);
    }
    schema
}

const VERSION: &str = "https://json-schema.org/draft/2020-12/schema";

fn set(schema: &mut Value, key: &str, value: Value) {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert(key.to_owned(), value);
    }
}

/// What makes of the schema of a list's elements, by the list's name, another.
type Elements<'a> = Option<&'a dyn Fn(&str, Value) -> Value>;

/// The schemas of mappings.
#[derive(Default)]
struct Definitions {
    known: Vec<Definition>,
}

struct Definition {
    name: String,
    table: Table,
    /// Null while it is being written.
    schema: Value,
}

impl Definitions {
    /// A reference to the schema of a mapping.
    fn reference(&mut self, table: &Table) -> Value {
        let there = self.known.iter().find(|known| known.table == *table);
        if let Some(there) = there {
            return reference(&there.name);
        }
        let mut name = table.name.strip_suffix("Wire").unwrap_or(table.name);
        name = table.called.unwrap_or(name);
        // Two mappings of one name are two.
        let same = self.known.iter().filter(|known| known.name == name);
        match same.count() {
            0 => self.define(name, table, None),
            _ => self.define(&format!("{name}{}", self.known.len()), table, None),
        }
    }

    /// Writes the schema of a mapping under a name.
    fn define(&mut self, name: &str, table: &Table, elements: Elements<'_>) -> Value {
        let place = self.known.len();
        self.put(name, table, Value::Null);
        let schema = self.mapping(name, table, elements);
        if let Some(there) = self.known.get_mut(place) {
            there.schema = schema;
        }
        reference(name)
    }

    fn put(&mut self, name: &str, table: &Table, schema: Value) {
        self.known.push(Definition {
            name: name.to_owned(),
            table: table.clone(),
            schema,
        });
    }

    /// The schema of a mapping: its fields by the name in camel case, and beside each, where it is
    /// another, the one in snake case, but not both.
    fn mapping(&mut self, name: &str, table: &Table, elements: Elements<'_>) -> Value {
        let (mut camel, mut others, mut once) = (Map::new(), Map::new(), Map::new());
        for field in &table.fields {
            let mut schema = self.field(field);
            if let (Some(elements), Some(items)) = (elements, schema.get_mut("items")) {
                *items = elements(field.name, items.take());
            }
            camel.insert(field.name.to_owned(), schema);
            let other = snake(field.name);
            if other != field.name {
                let property = reference(&format!("{name}/properties/{}", field.name));
                others.insert(format!("^{other}$"), property);
                once.insert(other, json!({"properties": {field.name: false}}));
            }
        }
        let mut schema =
            json!({"type": "object", "properties": camel, "additionalProperties": false});
        for (key, value) in [("patternProperties", others), ("dependentSchemas", once)] {
            if !value.is_empty() {
                set(&mut schema, key, value.into());
            }
        }
        if !table.about.is_empty() {
            set(&mut schema, "description", table.about.as_str().into());
        }
        schema
    }

    /// The schema of a field, which may be null for absent.
    fn field(&mut self, field: &Field) -> Value {
        let Notes {
            default,
            within,
            words,
            refused,
            ..
        } = field.notes;
        let mut schema = match (refused, words) {
            (true, _) => json!({"type": "null"}),
            (false, []) => or_null(self.kind(&field.kind)),
            (false, words) => or_null(json!({ "enum": words })),
        };
        if let Some((least, most)) = within {
            for (key, bound) in [("minimum", least), ("maximum", most)] {
                if bound.is_finite() {
                    set(&mut schema, key, bound.into());
                }
            }
        }
        let mut said = field.meaning.clone();
        if !default.is_empty() {
            said = format!("{said}. Default: {default}");
        }
        if !said.is_empty() {
            set(&mut schema, "description", said.into());
        }
        schema
    }

    fn kind(&mut self, kind: &Type) -> Value {
        match kind {
            Type::Text { pattern: None, .. } => json!({"type": "string"}),
            Type::Text { pattern, .. } => json!({"type": "string", "pattern": pattern}),
            // The number 0 alone is a duration without its unit.
            Type::Duration => {
                json!({"type": ["string", "integer"], "pattern": DURATION, "minimum": 0, "maximum": 0})
            }
            Type::Words(words) => json!({ "enum": words }),
            Type::Flag => json!({"type": "boolean"}),
            // Numbers may stand in quotes, as protobuf's JSON has it.
            Type::Whole { least, most } => {
                json!({"type": ["integer", "string"], "pattern": WHOLE, "minimum": least, "maximum": most})
            }
            Type::Number => json!({"type": ["number", "string"], "pattern": NUMBER}),
            Type::List(inner) => json!({"type": "array", "items": self.kind(inner)}),
            Type::Map(inner) => {
                json!({"type": "object", "additionalProperties": self.kind(inner)})
            }
            Type::Table(table) => self.reference(table),
            Type::Either(kinds) => {
                let kinds: Vec<Value> = kinds.iter().map(|kind| self.kind(kind)).collect();
                json!({ "anyOf": kinds })
            }
            Type::Anything => json!({}),
        }
    }

    fn into_schema(self) -> Value {
        let known = self.known.into_iter();
        Value::Object(known.map(|known| (known.name, known.schema)).collect())
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// What a duration looks like, as a regex of JSON Schema.
pub const DURATION: &str = r"^(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$";
const WHOLE: &str = r"^-?[0-9]+(\.0+)?([eE][+]?[0-9]+)?$";
const NUMBER: &str = r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$";

/// The schema for what may be null, too.
fn or_null(schema: Value) -> Value {
    let Value::Object(mut schema) = schema else {
        return schema;
    };
    if let Some(kind) = schema.get_mut("type") {
        match kind {
            Value::Array(kinds) => kinds.push("null".into()),
            kind => *kind = json!([kind.take(), "null"]),
        }
    } else if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.push(Value::Null);
    } else if !schema.is_empty() {
        return json!({"anyOf": [schema, {"type": "null"}]});
    }
    schema.into()
}

#[cfg(test)]
mod tests {
    use super::super::kind::{DurationText, FieldKind};
    use super::*;

    crate::fields! {
        /// What a user writes.
        struct Wire {
            /// how long
            fixed_delay as "fixedDelay": DurationText { default: "`1s`" },
            count: u16 { within: Some((1.0, f64::INFINITY)) },
            inner: Vec<Inner>,
            gone: String { refused: true },
        }
    }

    crate::fields! {
        struct Inner {
            mode: String { words: &["a", "b"] },
        }
    }

    #[test]
    fn a_mapping_says_what_may_stand_in_it() {
        let schema = schema("some", &Wire::describe().into_table(), &Envelope::NONE);
        assert_eq!(schema["title"], "some");
        let own = json!({
            "type": "object",
            "description": "What a user writes.",
            "additionalProperties": false,
            "properties": {
                "fixedDelay": {
                    "type": ["string", "integer", "null"], "pattern": DURATION, "minimum": 0, "maximum": 0,
                    "description": "how long. Default: `1s`",
                },
                "count": {
                    "type": ["integer", "string", "null"], "pattern": WHOLE, "minimum": 1.0, "maximum": 65_535,
                },
                "inner": {"type": ["array", "null"], "items": {"$ref": "#/$defs/Inner"}},
                "gone": {"type": "null"},
            },
            "patternProperties": {"^fixed_delay$": {"$ref": "#/$defs/configuration/properties/fixedDelay"}},
            "dependentSchemas": {"fixed_delay": {"properties": {"fixedDelay": false}}},
        });
        assert_eq!(schema["$defs"]["configuration"], own);
        let inner = json!({
            "type": "object", "additionalProperties": false, "properties": {"mode": {"enum": ["a", "b", null]}},
        });
        assert_eq!(schema["$defs"]["Inner"], inner);
    }
}
