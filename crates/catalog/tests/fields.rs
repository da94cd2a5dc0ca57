//! What every table of fields has in common.
#![allow(clippy::panic, reason = "a panic is how a test fails")]

use std::collections::BTreeSet;

use catalog::filters;
use sdk_helpers::config::table::{Table, Type};

/// Every table of a filter, with where it stands.
fn tables(path: &str, table: &Table, see: &mut dyn FnMut(&str, &Table)) {
    see(path, table);
    for field in &table.fields {
        if let Some(inner) = field.kind.table() {
            tables(&format!("{path}.{}", field.name), inner, see);
        }
    }
}

fn every(see: &mut dyn FnMut(&str, &Table)) {
    for filter in filters() {
        tables(filter.name(), &filter.fields(), see);
    }
}

/// Snake case is derived of it, for which two names must not be one.
#[test]
fn names_are_in_camel_case_and_each_is_one() {
    every(&mut |path, table| {
        let mut plain = BTreeSet::new();
        for field in &table.fields {
            let name = field.name;
            assert!(
                name.starts_with(|c: char| c.is_ascii_lowercase()),
                "{path}.{name}"
            );
            assert!(
                name.chars().all(|c| c.is_ascii_alphanumeric()),
                "{path}.{name}"
            );
            assert!(plain.insert(name.to_ascii_lowercase()), "{path}.{name}");
        }
    });
}

/// Whatever does something is described: a README has no row for a field without a meaning.
#[test]
fn every_field_has_a_meaning_or_fields_that_have() {
    let mut untold = BTreeSet::new();
    every(&mut |path, table| {
        for field in &table.fields {
            let told = !field.meaning.is_empty() || field.kind.table().is_some();
            let nothing = field.notes.refused || field.kind == Type::Anything;
            // The opposite of a list of a policy's is told with it.
            let nothing = nothing || field.name.starts_with("not");
            if !told && !nothing {
                untold.insert(format!("{path}.{}", field.name));
            }
        }
    });
    assert!(untold.is_empty(), "{untold:#?}");
}
