//! Extension configurations: what Istio serves by name to filters that ask with `config_discovery`.
//! A static bootstrap has nobody to ask, so each becomes a file that Envoy reads instead.

use super::json;
use super::patches::Patches;
use super::resource::{ApplyTo, Operation};
use crate::Error;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The configurations that some filter asks for.
pub(super) fn select(bootstrap: &mut Value, patches: &Patches<'_>) -> Vec<Value> {
    let mut requested = BTreeSet::new();
    for_each_request(bootstrap, &mut |name, _| {
        requested.insert(name.to_string());
    });
    let mut selected = Vec::new();
    for patch in patches.in_any_context(ApplyTo::ExtensionConfig) {
        let name = json::name(&patch.value);
        if patch.effective_operation() != Operation::Add {
            continue;
        }
        if requested.contains(name) {
            selected.push(patch.value.clone());
            patch.hit();
        } else {
            patch.missed(format!("no filter asks for `{name}` by config_discovery"));
        }
    }
    selected
}

/// The filters that wait for a configuration nobody adds.
pub(super) fn unanswered(bootstrap: &mut Value, selected: &[Value]) -> Vec<String> {
    let mut notes = Vec::new();
    for_each_request(bootstrap, &mut |name, source| {
        let answered = selected
            .iter()
            .any(|configuration| json::name(configuration) == name);
        if !answered && source.get("ads").is_some() {
            notes.push(format!(
                "`{name}` waits for an extension configuration that none adds"
            ));
        }
    });
    notes
}

/// Writes each configuration below `directory` and has the filters read it there.
pub(super) fn bind(
    bootstrap: &mut Value,
    configurations: &[Value],
    directory: &Path,
) -> Result<(), Error> {
    for (index, configuration) in configurations.iter().enumerate() {
        let path = directory.join(format!("extension-{index}.json"));
        let mut resource = configuration.clone();
        let name = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
        json::set(&mut resource, "@type", name);
        let response = json!({ "version_info": "1", "resources": [resource] });
        fs::write(&path, response.to_string()).map_err(|error| Error::File {
            path: path.clone(),
            problem: error.to_string(),
        })?;
        for_each_request(bootstrap, &mut |name, source| {
            if name == json::name(configuration) {
                *source = json!({
                    "path_config_source": { "path": path.display().to_string() },
                    "resource_api_version": "V3",
                    "initial_fetch_timeout": "0s",
                });
            }
        });
    }
    Ok(())
}

/// Visits name and config source of every filter that asks for its configuration.
fn for_each_request(value: &mut Value, visit: &mut impl FnMut(&str, &mut Value)) {
    match value {
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| for_each_request(item, visit)),
        Value::Object(object) => {
            let name = object
                .get("name")
                .and_then(Value::as_str)
                .map(str::to_string);
            let source = object
                .get_mut("config_discovery")
                .and_then(|discovery| discovery.get_mut("config_source"));
            if let (Some(name), Some(source)) = (name, source) {
                visit(&name, source);
            }
            object
                .values_mut()
                .for_each(|inner| for_each_request(inner, visit));
        }
        _ => {}
    }
}
