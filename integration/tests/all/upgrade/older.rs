//! Fields of before are fields still, and each stands in a configuration that was stored.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use catalog::find;
use integration::engines::{stored, stored_versions};
use integration::envoy::repository;

use super::fields::{documented, used};

/// The fields of a version, by filter.
fn fields(version: &str) -> BTreeMap<String, BTreeSet<String>> {
    let file = repository().join(format!("integration/upgrade/{version}/fields.txt"));
    let text = fs::read_to_string(file).unwrap();
    let mut fields: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines() {
        let (filter, field) = line.split_once(' ').unwrap();
        fields
            .entry(filter.to_owned())
            .or_default()
            .insert(field.to_owned());
    }
    fields
}

#[test]
fn what_was_a_field_is_one() {
    for version in stored_versions() {
        for (filter, before) in fields(&version) {
            let today = documented(find(&filter).unwrap());
            let gone: Vec<_> = before.difference(&today).collect();
            assert!(
                gone.is_empty(),
                "{filter} {version}: {gone:?} break configurations; keep them, deprecated"
            );
        }
    }
}

#[test]
fn every_field_is_in_a_stored_configuration() {
    for version in stored_versions() {
        let mut missing = fields(&version);
        for file in stored(&version) {
            let filter = find(&file.filter).unwrap();
            let left = missing.get_mut(&file.filter).unwrap();
            for suite in &file.suites {
                for field in used(filter, &suite.config) {
                    left.remove(&field);
                }
            }
            assert!(left.is_empty(), "{} {version}: {left:?}", file.filter);
        }
    }
}
