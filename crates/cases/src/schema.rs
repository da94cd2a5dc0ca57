//! The JSON Schema of case files, of the types they are read into.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use crate::written::Written;

/// The JSON Schema (2020-12) of a case file. It does not say that names are unique, nor what a configuration
/// may hold, which the schema of its filter does.
#[must_use]
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Vec<Written>>();
    schema.insert("title".to_owned(), "cases of mesh-filters".into());
    schema.to_value()
}

/// A duration as configurations write it, or nothing.
pub(crate) fn duration(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "null"],
        "pattern": sdk_helpers::config::DURATION,
    })
}

/// A time as configurations write it, or nothing.
pub(crate) fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "null"],
        "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}",
    })
}

/// Attributes by their paths.
pub(crate) fn attributes(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": {"type": ["string", "integer"]},
    })
}
