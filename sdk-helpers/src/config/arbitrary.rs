//! Configurations nobody thought of, for tests: made of the fields that a filter's tables have, so that a new
//! field is among them by itself.

use proptest::prelude::*;
use serde_json::Value;

use super::kind::FieldKind;
use super::table::{Field, Type};

/// What stands around a filter's own fields, in either spelling, and what stands nowhere.
const AROUND: &[&str] = &[
    "apiVersion",
    "api_version",
    "kind",
    "metadata",
    "annotations",
    "istio.io/dry-run",
    "spec",
    "items",
    "status",
    "unknown",
    "",
];

/// The names of all fields of a configuration, in both spellings.
pub fn names<W: FieldKind>() -> Vec<String> {
    let mut names: Vec<String> = AROUND.iter().map(|name| (*name).to_owned()).collect();
    each(&W::describe(), &mut |part| {
        if let Part::Field(field) = part {
            names.push(field.name.to_owned());
            names.push(super::names::snake(field.name));
        }
    });
    names.sort();
    names.dedup();
    names
}

/// A value without others in it, right somewhere or nowhere: numbers, the words that fields may be, these
/// texts, and any.
pub fn leaf<W: FieldKind>(texts: &[&'static str]) -> BoxedStrategy<Value> {
    let mut words = texts.to_vec();
    each(&W::describe(), &mut |part| match part {
        Part::Field(field) => words.extend(field.notes.words),
        Part::Words(known) => words.extend(known),
    });
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0u32..20_000).prop_map(Value::from),
        (0.0f64..101.0).prop_map(Value::from),
        prop::sample::select(words).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(Value::Object(serde_json::Map::new())),
        Just(Value::Array(Vec::new())),
    ]
    .boxed()
}

/// Lists and mappings of such leaves, six deep, under the names of fields wherever they stand.
pub fn tree<W: FieldKind>(leaf: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    let names = names::<W>();
    leaf.prop_recursive(6, 80, 5, move |inner| {
        let name = prop::sample::select(names.clone());
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
    .boxed()
}

/// What is found on the way through a table.
enum Part<'a> {
    Field(&'a Field),
    Words(&'static [&'static str]),
}

fn each(kind: &Type, see: &mut dyn FnMut(Part<'_>)) {
    match kind {
        Type::Table(table) => {
            for field in &table.fields {
                see(Part::Field(field));
                each(&field.kind, see);
            }
        }
        Type::List(inner) | Type::Map(inner) => each(inner, see),
        Type::Either(kinds) => kinds.iter().for_each(|kind| each(kind, see)),
        Type::Words(known) => see(Part::Words(known)),
        Type::Text { .. }
        | Type::Duration
        | Type::Flag
        | Type::Whole { .. }
        | Type::Number
        | Type::Anything => {}
    }
}
