//! `vmConfig.env`: environment variables of a module.

use super::EnvVar;
use super::agent::INTERNAL;
use super::fields::Fields;
use sdk_helpers::config::Problems;
use std::collections::BTreeSet;

const MOST: usize = 256;
const LONGEST_NAME: usize = 256;
const LONGEST_VALUE: usize = 2048;

/// Whether the value is the proxy's.
const SOURCES: [(&str, bool); 2] = [("INLINE", false), ("HOST", true)];

pub(super) fn read(wasm: &Fields<'_>, problems: &Problems) -> Vec<EnvVar> {
    let Some(vm) = wasm.fields("vmConfig", &["env"]) else {
        return Vec::new();
    };
    let entries = vm.list("env");
    if entries.len() > MOST {
        vm.error(
            "env",
            format!("has {} entries; at most {MOST}", entries.len()),
        );
    }
    let mut names = BTreeSet::new();
    let mut variables = Vec::new();
    for (path, entry) in entries {
        let entry = Fields::of(entry, &path, &["name", "valueFrom", "value"], problems);
        let name = entry.text("name");
        let value = entry.text("value");
        let is_host = entry.word("valueFrom", &SOURCES);
        if name.is_empty() {
            entry.error("name", "spec.vmConfig.env invalid");
        }
        if name.len() > LONGEST_NAME {
            entry.error(
                "name",
                "env.name field must be less than 255 characters long",
            );
        }
        if !names.insert(name) {
            entry.error("name", "duplicate env");
        }
        if is_host && entry.get("value").is_some() {
            entry.error("value", "value may only be set when valueFrom is INLINE");
        }
        if value.len() > LONGEST_VALUE {
            entry.error("value", format!("more than {LONGEST_VALUE} characters"));
        }
        if name.starts_with(INTERNAL) && !is_host {
            entry.warn(
                "name",
                format!("the agent takes every variable that begins with `{INTERNAL}` away"),
            );
        }
        variables.push(EnvVar {
            name: name.to_owned(),
            value: (!is_host).then(|| value.to_owned()),
        });
    }
    variables
}
