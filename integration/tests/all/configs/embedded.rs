//! The configurations inside the files, in the filter's own code, where warnings can be seen.

use integration::demo::Shipped;
use sdk_helpers::world::fake::FakeWorld;
use serde_json::Value;

use super::FOLDER;

/// A filter's name and the configuration that a file has for it.
pub(super) struct Embedded {
    pub(super) filter: String,
    pub(super) config: Value,
}

/// Those of a document.
pub(super) fn all(document: &Value) -> Vec<Embedded> {
    let mut found = Vec::new();
    find(document, &mut found);
    found
}

/// Whatever is configured for a wasm filter, wherever it stands in a file.
fn find(value: &Value, found: &mut Vec<Embedded>) {
    let kind = value["@type"].as_str().unwrap_or_default();
    if kind.ends_with("extensions.filters.http.wasm.v3.Wasm") {
        let plugin = &value["config"];
        found.push(Embedded {
            filter: plugin["root_id"].as_str().expect("a root_id").to_owned(),
            config: plugin["configuration"]["value"].clone(),
        });
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| find(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| find(field, found)),
        _ => {}
    }
}

#[test]
fn every_configuration_loads_without_a_warning() {
    for file in Shipped::all(FOLDER) {
        let documents: Vec<Value> =
            serde_saphyr::from_multiple(file.text()).expect("a file that is YAML");
        let found: Vec<Embedded> = documents.iter().flat_map(all).collect();
        let configures = file.text().contains("filters.http.wasm");
        assert_eq!(!found.is_empty(), configures, "{}", file.path());
        for Embedded { filter, config } in found {
            let filter = catalog::find(&filter).expect("a filter of ours");
            match filter.load(config.to_string().as_bytes(), &FakeWorld::new()) {
                Ok(loaded) => assert_eq!(loaded.warnings(), [], "{}", file.path()),
                Err(errors) => panic!("{}: {errors:#?}", file.path()),
            }
        }
    }
}
