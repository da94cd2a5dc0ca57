//! Extension configurations: what Istio serves by name to filters that ask with `config_discovery`.
//! A static bootstrap has nobody to ask, so each becomes a file that Envoy reads instead.

use super::json;
use super::patches::{Note, Patches};
use super::resource::{ApplyTo, Operation};
use crate::Error;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The configurations that some filter asks for: of those that were made, and of those that patches add.
pub(super) fn select(bootstrap: &mut Value, made: Vec<Value>, patches: &Patches<'_>) -> Vec<Value> {
    let mut requested = BTreeSet::new();
    for_each_request(bootstrap, &mut |name, _| {
        requested.insert(name.to_string());
    });
    let mut selected = made;
    // A patch may have taken the filter away again.
    selected.retain(|configuration| requested.contains(json::name(configuration)));
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
pub(super) fn unanswered(bootstrap: &mut Value, selected: &[Value]) -> Vec<Note> {
    let mut notes = Vec::new();
    for_each_request(bootstrap, &mut |name, filter| {
        let ads = filter.pointer("/config_discovery/config_source/ads");
        let answered = selected
            .iter()
            .any(|configuration| json::name(configuration) == name);
        if !answered && ads.is_some() {
            let text = format!("`{name}` waits for an extension configuration that none adds");
            notes.push(Note::of("", "", text));
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
        for_each_request(bootstrap, &mut |name, filter| {
            let source = filter.pointer_mut("/config_discovery/config_source");
            if let Some(source) = source.filter(|_| name == json::name(configuration)) {
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

/// Gives each filter its configuration in place of the question for it.
pub(super) fn inline(bootstrap: &mut Value, configurations: Vec<Value>) {
    for mut configuration in configurations {
        let typed = json::remove(&mut configuration, "typed_config");
        for_each_request(bootstrap, &mut |name, filter| {
            if name == json::name(&configuration) {
                json::remove(filter, "config_discovery");
                json::set(filter, "typed_config", typed.clone());
            }
        });
    }
}

/// Visits every filter that asks for its configuration, with its name.
fn for_each_request(value: &mut Value, visit: &mut impl FnMut(&str, &mut Value)) {
    match value {
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| for_each_request(item, visit)),
        Value::Object(object) => {
            object
                .values_mut()
                .for_each(|inner| for_each_request(inner, visit));
            let asks = |value: &Value| value.pointer("/config_discovery/config_source").is_some();
            let name = json::name(value).to_string();
            if asks(value) && !name.is_empty() {
                visit(&name, value);
            }
        }
        _ => {}
    }
}
