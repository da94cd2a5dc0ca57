//! The ways in which a configuration may be written: as [`Envelope`] takes them.

use serde_json::{Value, json};

use super::super::envelope::{Envelope, Layout, OBJECT, kinds, metadata};
use super::super::kind::FieldKind;
use super::super::names::snake;
use super::super::table::{Field, Notes, Table, Type};
use super::{Definitions, reference};

/// An object in a list, or a list of some.
pub(super) const ELEMENT: &str = "element";

/// A configuration in any of them.
pub(super) fn any_way(
    configuration: &Table,
    envelope: &Envelope,
    definitions: &mut Definitions,
) -> Value {
    let element = reference(ELEMENT);
    // Elements of these lists may be whole objects.
    let lists = envelope.lists();
    let elements = |field: &str, own: Value| match lists.contains(&field) {
        true => json!({"if": is_object(), "then": element, "else": own}),
        false => own,
    };
    let own = definitions.define("configuration", configuration, Some(&elements));
    let written = Written {
        envelope,
        configuration,
        elements: &elements,
    };
    let (own, object) = match envelope.layout {
        Layout::Fields(_) => written.fields(own, definitions),
        Layout::Entries { list, .. } => written.entries(own, list, definitions),
    };
    json!({
        "if": {"type": "array"},
        "then": {"contains": is_object(), "items": element},
        "else": {"if": is_object(), "then": object, "else": own},
    })
}

/// What an object of Kubernetes is told by.
fn is_object() -> Value {
    let told = OBJECT.iter().filter(|name| **name != "status");
    json!({"type": "object", "anyOf": any_of(told)})
}

/// That any of these fields is there, in either spelling.
fn any_of<'a>(names: impl Iterator<Item = &'a &'a str>) -> Vec<Value> {
    let mut spelt = Vec::new();
    for name in names {
        spelt.push((*name).to_owned());
        spelt.push(snake(name));
    }
    spelt.dedup();
    let there = spelt.into_iter();
    there.map(|name| json!({"required": [name]})).collect()
}

struct Written<'a> {
    envelope: &'a Envelope,
    configuration: &'a Table,
    elements: &'a dyn Fn(&str, Value) -> Value,
}

impl Written<'_> {
    /// The fields of a `spec` are fields of the configuration.
    fn fields(&self, own: Value, definitions: &mut Definitions) -> (Value, Value) {
        let beside = self.configuration.fields.iter();
        let beside = beside.filter(|field| !self.envelope.spec.contains(&field.name));
        let beside: Vec<Field> = beside.cloned().collect();
        let spec = Type::Table(self.configuration.clone());
        let object = self.object("object", spec, &beside, definitions);
        let element = either(object, self.list("list", &beside, definitions));
        definitions.put(ELEMENT, &Table::default(), element.clone());
        (own, element)
    }

    /// Each object is an entry of a list, and the configuration's own fields stand beside the outermost.
    fn entries(&self, own: Value, list: &str, definitions: &mut Definitions) -> (Value, Value) {
        let fields = &self.configuration.fields;
        let entry = fields.iter().find(|field| field.name == list);
        let Some(entry) = entry.and_then(|field| field.kind.table()) else {
            return (own, json!(false));
        };
        let spec = Type::Table(entry.clone());
        let beside = entry.fields.iter();
        let beside = beside.filter(|field| !self.envelope.spec.contains(&field.name));
        let beside: Vec<Field> = beside.cloned().collect();
        let inner = self.object("object", spec.clone(), &beside, definitions);
        let element = either(inner, self.list("list", &[], definitions));
        definitions.put(ELEMENT, &Table::default(), element);
        let outer: Vec<Field> = beside.iter().chain(fields).cloned().collect();
        let object = self.object("outerObject", spec, &outer, definitions);
        let object = either(object, self.list("outerList", fields, definitions));
        // One entry by itself, with the configuration's fields beside its own.
        let alone = Table {
            about: entry.about.clone(),
            fields: entry.fields.iter().chain(fields).cloned().collect(),
            ..Table::default()
        };
        let alone = definitions.define("alone", &alone, Some(self.elements));
        let is_alone = json!({
            "anyOf": any_of(self.envelope.spec.iter()),
            "not": {"anyOf": any_of([list].iter())},
        });
        let own = json!({"if": is_alone, "then": alone, "else": own});
        (own, object)
    }

    /// A whole object, with fields of ours beside its own.
    fn object(
        &self,
        name: &str,
        spec: Type,
        beside: &[Field],
        definitions: &mut Definitions,
    ) -> Value {
        let (kind, versions) = kinds::words(self.envelope.kind);
        let mut fields = about(one_of(versions), one_of(kind));
        fields.push(field("spec", spec));
        fields.push(field("status", Type::Anything));
        self.definition(name, fields, beside, definitions)
    }

    /// A list of Kubernetes'.
    fn list(&self, name: &str, beside: &[Field], definitions: &mut Definitions) -> Value {
        let mut fields = about(
            String::describe(),
            Type::Text {
                called: "text",
                pattern: Some("List$"),
            },
        );
        fields.push(field("items", Type::List(Box::new(Type::Anything))));
        fields.push(field("status", Type::Anything));
        self.definition(name, fields, beside, definitions)
    }

    fn definition(
        &self,
        name: &str,
        mut fields: Vec<Field>,
        beside: &[Field],
        definitions: &mut Definitions,
    ) -> Value {
        fields.extend_from_slice(beside);
        let table = Table {
            fields,
            ..Table::default()
        };
        let elements = |field: &str, own: Value| match field {
            "items" => reference(ELEMENT),
            field => (self.elements)(field, own),
        };
        definitions.define(name, &table, Some(&elements))
    }
}

/// What tells what an object is.
fn about(version: Type, kind: Type) -> Vec<Field> {
    vec![
        field("apiVersion", version),
        field("kind", kind),
        field("metadata", metadata::MetadataWire::describe()),
    ]
}

/// An object, or a list of some, which is told by its `items`.
fn either(object: Value, list: Value) -> Value {
    let list = json!({"allOf": [list], "properties": {"items": {"type": "array"}}});
    json!({"if": {"required": ["items"]}, "then": list, "else": object})
}

fn field(name: &'static str, kind: Type) -> Field {
    Field {
        name,
        kind,
        meaning: String::new(),
        notes: Notes::NONE,
    }
}

/// One of these words; any text where there are none.
fn one_of(words: &'static [&'static str]) -> Type {
    match words {
        [] => String::describe(),
        words => Type::Words(words),
    }
}
