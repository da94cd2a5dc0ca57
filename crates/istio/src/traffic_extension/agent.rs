//! What Istio's agent does to the configuration of a filter on its way to Envoy: it fetches the module
//! and names the file, or puts a filter in its place that lets nothing through, or all.

use crate::json;
use crate::patches::Note;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

pub(super) const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
pub(super) const RBAC: &str = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";

/// What the control plane tells the agent in environment variables; none of them reaches the module.
pub(super) const INTERNAL: &str = "ISTIO_META_";
pub(super) const PULL_SECRET: &str = "ISTIO_META_WASM_IMAGE_PULL_SECRET";
pub(super) const PULL_POLICY: &str = "ISTIO_META_WASM_IMAGE_PULL_POLICY";
pub(super) const RESOURCE_VERSION: &str = "ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION";

/// A module to be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Download<'a> {
    /// Where it is, with its scheme.
    pub url: &'a str,
    /// What it must be, as [`sha256`](super::WasmConfig::sha256); empty for any.
    pub sha256: &'a str,
    /// `IfNotPresent`, `Always` or nothing.
    pub pull_policy: &'a str,
    /// The Secret with the credentials, as `kubernetes://namespace/name`; empty for none. Istio's agent
    /// has what is in it.
    pub pull_secret: &'a str,
    /// The name of the configuration it is for.
    pub resource: &'a str,
}

/// Who fetches modules for Envoy.
pub trait Agent {
    /// The file that the module is in now.
    ///
    /// # Errors
    /// Why it cannot be had: the filter's fail strategy then decides on requests.
    fn fetch(&self, module: &Download<'_>) -> Result<PathBuf, String>;
}

impl<F: Fn(&Download<'_>) -> Result<PathBuf, String>> Agent for F {
    fn fetch(&self, module: &Download<'_>) -> Result<PathBuf, String> {
        self(module)
    }
}

/// Modules that are at hand, by their URL.
impl Agent for BTreeMap<String, PathBuf> {
    fn fetch(&self, module: &Download<'_>) -> Result<PathBuf, String> {
        let file = self.get(module.url);
        file.cloned()
            .ok_or_else(|| "it is not among the modules at hand".to_owned())
    }
}

/// Converts one extension configuration, if it has a module to fetch; what the agent logs where it
/// cannot be had.
pub(crate) fn convert(configuration: &mut Value, agent: &dyn Agent) -> Option<Note> {
    let resource = json::name(configuration).to_owned();
    let typed = json::existing_object(configuration, "typed_config")?;
    if json::type_name(typed) != WASM.rsplit('/').next().unwrap_or_default() {
        return None;
    }
    let fails_open = typed
        .pointer("/config/failure_policy")
        .and_then(Value::as_str)
        == Some("FAIL_OPEN");
    let vm = json::existing_object(typed, "config")
        .and_then(|config| json::existing_object(config, "vm_config"))?;
    let remote = vm.pointer("/code/remote").cloned()?;
    let internal = take_internal(vm);
    let told = |name: &str| internal.get(name).map(String::as_str).unwrap_or_default();
    let uri = remote.get("http_uri").unwrap_or(&Value::Null);
    let download = Download {
        url: json::text(uri, "uri"),
        // So that a configuration without a sum can be written by an EnvoyFilter.
        sha256: Some(json::text(&remote, "sha256"))
            .filter(|sum| *sum != "nil")
            .unwrap_or_default(),
        pull_policy: told(PULL_POLICY),
        pull_secret: told(PULL_SECRET),
        resource: &resource,
    };
    match agent.fetch(&download) {
        Ok(file) => {
            let file = file.display().to_string();
            json::set(vm, "code", json!({ "local": { "filename": file } }));
            None
        }
        Err(why) => {
            let (instead, prefix) = match fails_open {
                true => ("allow", "wasm-default-allow"),
                false => ("deny", "wasm-default-deny"),
            };
            let note = format!(
                "`{resource}`: cannot fetch Wasm module {}: {why}; applying {instead} RBAC filter",
                download.url
            );
            *typed = json!({ "@type": RBAC, "rules_stat_prefix": prefix });
            if !fails_open {
                // No rule allows anything.
                json::set(typed, "rules", json!({}));
            }
            Some(Note::of("", "", note))
        }
    }
}

/// Takes the agent's own variables away, and what held them where nothing is left.
fn take_internal(vm: &mut Value) -> BTreeMap<String, String> {
    let mut taken = BTreeMap::new();
    let Some(variables) = json::existing_object(vm, "environment_variables") else {
        return taken;
    };
    if let Some(values) = variables
        .get_mut("key_values")
        .and_then(Value::as_object_mut)
    {
        values.retain(|name, value| {
            let internal = name.starts_with(INTERNAL);
            if internal {
                let value = value.as_str().unwrap_or_default();
                taken.insert(name.clone(), value.to_owned());
            }
            !internal
        });
        if values.is_empty() {
            json::remove(variables, "key_values");
        }
    }
    if variables.get("key_values").is_none() && json::items(variables, "host_env_keys").is_empty() {
        json::remove(vm, "environment_variables");
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(policy: &str, environment: Value) -> Value {
        json!({
            "name": "n",
            "typed_config": {
                "@type": WASM,
                "config": {
                    "name": "kept",
                    "failure_policy": policy,
                    "vm_config": {
                        "code": { "remote": {
                            "http_uri": { "uri": "oci://a/b:1", "timeout": "30s", "cluster": "_" },
                            "sha256": "nil",
                        } },
                        "environment_variables": environment,
                    },
                },
            },
        })
    }

    #[test]
    fn a_module_becomes_a_file_and_no_word_to_the_agent_is_left() {
        for (environment, left) in [
            (
                json!({ "key_values": { PULL_POLICY: "Always" } }),
                Value::Null,
            ),
            (
                json!({ "key_values": { PULL_POLICY: "Always", "A": "1" } }),
                json!({ "key_values": { "A": "1" } }),
            ),
            (
                json!({ "key_values": { PULL_POLICY: "Always" }, "host_env_keys": ["H"] }),
                json!({ "host_env_keys": ["H"] }),
            ),
        ] {
            let mut configuration = configuration("FAIL_CLOSED", environment);
            let agent = |module: &Download<'_>| {
                let expected = Download {
                    url: "oci://a/b:1",
                    sha256: "",
                    pull_policy: "Always",
                    pull_secret: "",
                    resource: "n",
                };
                assert_eq!(*module, expected);
                Ok(PathBuf::from("/m.wasm"))
            };
            assert_eq!(convert(&mut configuration, &agent), None);
            let vm = &configuration["typed_config"]["config"]["vm_config"];
            assert_eq!(vm["code"], json!({ "local": { "filename": "/m.wasm" } }));
            assert_eq!(vm["environment_variables"], left);
        }
    }

    #[test]
    fn without_its_module_a_filter_denies_or_allows() {
        let nothing = BTreeMap::new();
        for (policy, typed) in [
            (
                "FAIL_CLOSED",
                json!({ "@type": RBAC, "rules_stat_prefix": "wasm-default-deny", "rules": {} }),
            ),
            (
                "FAIL_RELOAD",
                json!({ "@type": RBAC, "rules_stat_prefix": "wasm-default-deny", "rules": {} }),
            ),
            (
                "FAIL_OPEN",
                json!({ "@type": RBAC, "rules_stat_prefix": "wasm-default-allow" }),
            ),
        ] {
            let mut configuration = configuration(policy, json!({}));
            let note = convert(&mut configuration, &nothing).unwrap();
            let said = "`n`: cannot fetch Wasm module oci://a/b:1: it is not among";
            assert!(note.text.starts_with(said), "{note}");
            assert_eq!(configuration["typed_config"], typed);
        }
    }

    #[test]
    fn what_has_nothing_to_fetch_stays_as_it_is() {
        let nothing = BTreeMap::new();
        let mut local = configuration("FAIL_OPEN", json!({ "key_values": { PULL_POLICY: "x" } }));
        local["typed_config"]["config"]["vm_config"]["code"] =
            json!({ "local": { "filename": "/a" } });
        for kept in [
            local,
            json!({ "name": "n", "typed_config": { "@type": RBAC } }),
            json!({}),
        ] {
            let mut configuration = kept.clone();
            assert_eq!(convert(&mut configuration, &nothing), None);
            assert_eq!(configuration, kept);
        }
    }
}
