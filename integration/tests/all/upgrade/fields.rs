//! The fields of a filter, and which of them a configuration has.

use std::collections::BTreeSet;

use catalog::Filter;
use sdk_helpers::config::table::{Table, Type};
use serde_json::Value;

/// Every field that a page tells of, as `Limit.requests`: the mapping it stands in, and its name. Those of
/// a part are its own filter's.
pub(crate) fn documented(filter: &Filter) -> BTreeSet<String> {
    let mut table = filter.fields();
    let parts = filter.parts();
    for field in &mut table.fields {
        if parts.iter().any(|(part, _)| *part == field.name) {
            field.kind = Type::Anything;
        }
    }
    let mut found = BTreeSet::new();
    each(&Type::Table(table), &mut found);
    found
}

/// Those that a configuration has.
pub(crate) fn used(filter: &Filter, config: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    read(&Type::Table(filter.fields()), config, &mut found);
    found
}

fn each(kind: &Type, found: &mut BTreeSet<String>) {
    match kind {
        Type::Table(table) => {
            for field in &table.fields {
                // Without a meaning it does nothing, and some are known only to be refused.
                if !field.meaning.is_empty() && !field.notes.refused {
                    found.insert(path(table, field.name));
                }
                each(&field.kind, found);
            }
        }
        Type::List(inner) | Type::Map(inner) => each(inner, found),
        Type::Either(kinds) => kinds.iter().for_each(|kind| each(kind, found)),
        _ => {}
    }
}

fn read(kind: &Type, value: &Value, found: &mut BTreeSet<String>) {
    match (kind, value) {
        (Type::Table(table), Value::Object(fields)) => {
            let known = |name: &String| {
                let mut fields = table.fields.iter();
                fields.find(|field| field.name == name)
            };
            if fields.keys().any(|name| known(name).is_none()) {
                return;
            }
            for (name, value) in fields {
                let field = known(name).unwrap();
                found.insert(path(table, field.name));
                read(&field.kind, value, found);
            }
        }
        (Type::List(inner), Value::Array(values)) => {
            values.iter().for_each(|value| read(inner, value, found));
        }
        (Type::Map(inner), Value::Object(values)) => {
            values.values().for_each(|value| read(inner, value, found));
        }
        (Type::Either(kinds), _) => kinds.iter().for_each(|kind| read(kind, value, found)),
        _ => {}
    }
}

fn path(table: &Table, field: &str) -> String {
    let name = table.name.strip_suffix("Wire").unwrap_or(table.name);
    match table.called.unwrap_or(name) {
        "" => field.to_owned(),
        name => format!("{name}.{field}"),
    }
}
