//! A suite as a file has it.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::case::{Case, Suite};
use crate::configuration;

/// A configuration and what is expected of it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["config"]}, {"required": ["files"]}]))]
pub(crate) struct Written {
    /// What it shows, in a few words; unique in its file.
    pub(crate) description: String,
    /// The filter whose configuration it is; where left out, the one of the folder `<filter>/cases`, else
    /// `mesh-filters`, all filters in one module.
    #[serde(default)]
    filter: Option<String>,
    /// The plugin configuration.
    #[serde(default, deserialize_with = "present")]
    config: Option<Value>,
    /// In place of `config`: files and folders beside the case file, with one configuration or with Istio's
    /// resources.
    #[serde(default)]
    files: Vec<String>,
    /// Every warning, as `path: problem`. Left out there are to be none of `config`, and any of `files`, which have in
    /// them what only a mesh reads.
    #[serde(default)]
    warnings: Option<Vec<String>>,
    /// Every error, as `path: problem`, where the configuration is refused.
    #[serde(default)]
    refused: Vec<String>,
    /// The requests.
    #[serde(default)]
    cases: Vec<Case>,
}

/// What is there, were it null.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

impl Written {
    /// The suite, with the configuration that it names beside `path`, of the filter that `or` is where it names
    /// none.
    pub(crate) fn read(self, path: &Path, or: &str) -> Result<Suite, String> {
        let filter = self.filter.as_deref().unwrap_or(or);
        let config = match (self.config, self.files.as_slice()) {
            (Some(config), []) => config,
            (None, [_, ..]) => configuration::read(filter, path, &self.files)?,
            (Some(_), _) => {
                return Err("has `config` and `files`; only one of them counts".to_owned());
            }
            (None, []) => {
                return Err(
                    "has neither `config`, with a configuration, nor `files` with one".to_owned(),
                );
            }
        };
        Ok(Suite {
            description: self.description,
            filter: self.filter,
            config,
            files: configuration::places(path, &self.files),
            any_warnings: self.warnings.is_none() && !self.files.is_empty(),
            warnings: self.warnings.unwrap_or_default(),
            refused: self.refused,
            cases: self.cases,
        })
    }
}
