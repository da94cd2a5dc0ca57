//! A filter of ours in a chain, in the short form that scenarios use.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::repeat;
use crate::envoy::repository;

/// A filter of ours in a chain.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Module {
    /// A filter's name, for `dist/<name>.wasm`, or the path of a module.
    pub wasm: String,
    /// The plugin configuration, in which repeats may stand (see [`repeat`]).
    #[serde(default)]
    configuration: Map<String, Value>,
}

impl Module {
    /// Nothing for a filter that is written as Envoy has it.
    pub fn read(filter: &Value) -> Option<Result<Self, String>> {
        filter.get("wasm")?;
        let module = serde_json::from_value(filter.clone());
        Some(module.map_err(|error| error.to_string()))
    }

    /// The plugin configuration as the filter reads it.
    pub fn configuration(&self) -> Value {
        let short = self.configuration.clone().into();
        // What is written wrongly was refused when the scenario was read.
        repeat::expanded(&short).unwrap_or(short)
    }

    /// The name of the filter, or of the module's file.
    pub fn name(&self) -> &str {
        let stem = Path::new(&self.wasm).file_stem().and_then(|s| s.to_str());
        stem.unwrap_or(&self.wasm)
    }

    /// The module's file.
    pub fn path(&self) -> PathBuf {
        match self.wasm.ends_with(".wasm") {
            true => repository().join(&self.wasm),
            false => repository().join(format!("dist/{}.wasm", self.wasm)),
        }
    }

    /// The file's length in bytes.
    ///
    /// # Errors
    /// If there is no file.
    pub fn size(&self) -> Result<u64, String> {
        let path = self.path();
        let file = std::fs::metadata(&path);
        let missing = |_| format!("{} is missing; run `cargo xtask build`", path.display());
        Ok(file.map_err(missing)?.len())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn module(filter: Value) -> Module {
        Module::read(&filter).unwrap().unwrap()
    }

    #[test]
    fn a_module_is_a_filter_or_a_file() {
        let filter = module(json!({"wasm": "rate-limit", "configuration": {"a": 1}}));
        assert_eq!(filter.name(), "rate-limit");
        assert!(filter.path().ends_with("dist/rate-limit.wasm"));
        assert_eq!(filter.configuration()["a"], 1);
        let built = module(json!({"wasm": "target/test-modules/noop.wasm"}));
        assert_eq!(built.name(), "noop");
        assert!(built.path().ends_with("target/test-modules/noop.wasm"));
    }

    #[test]
    fn envoys_own_filters_are_left_to_envoy() {
        assert!(Module::read(&json!({"name": "envoy.filters.http.fault"})).is_none());
        let module = Module {
            wasm: "nowhere".to_owned(),
            configuration: Map::new(),
        };
        assert!(
            module
                .size()
                .unwrap_err()
                .contains("run `cargo xtask build`")
        );
    }
}
