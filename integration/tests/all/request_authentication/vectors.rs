//! The forged tokens that the filter's own tests hold are those that are made here.

use std::fs;

use integration::envoy::repository;
use integration::jwt::vectors;

/// Set to anything, it writes the file.
const WRITE: &str = "MESH_FILTERS_WRITE_VECTORS";

#[test]
fn the_filters_vectors_are_up_to_date() {
    let path = repository().join("filters/request-authentication/tests/vectors/forged.json");
    let mut text = serde_json::to_string_pretty(&vectors()).unwrap();
    text.push('\n');
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, &text).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == text,
        "{} is old: run this test with {WRITE}=1",
        path.display()
    );
}
