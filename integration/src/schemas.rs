//! The resources that people apply, held against the schemas that a cluster holds them against: those in
//! `integration/schemas`, of Istio, Envoy Gateway and Kubernetes, and those that `crates/istio` has.
//!
//! A cluster drops a field that it does not know and says nothing; here it is a problem. What is not in a
//! schema because it needs two fields at once, [`rules`] has.

pub mod reduced;
mod rules;

use std::fs;
use std::path::PathBuf;

use boon::{Compiler, SchemaIndex, Schemas, ValidationError};
use serde_json::{Map, Value};

use crate::envoy::repository;

/// Where the schemas are, from the root of the repository.
const FOLDER: &str = "integration/schemas";
/// Where those are that the program has too.
const OF_ISTIO: &str = "crates/istio/schemas";
/// What stands in every object.
const METADATA: &str = "ObjectMeta";

/// The schemas of all kinds that are known here.
pub struct Kinds {
    schemas: Schemas,
    kinds: Vec<Kind>,
}

struct Kind {
    name: String,
    /// `apiVersion` and `kind`; neither, where a file has no objects of its own: a patch, or values of Helm.
    of: Option<(String, String)>,
    /// By which field at the top one without a kind is known.
    top: Vec<String>,
    index: SchemaIndex,
}

/// The path of a schema.
pub fn path(name: &str) -> PathBuf {
    let is_of_istio = reduced::OF_ISTIO.iter().any(|(kind, _)| *kind == name);
    let folder = if is_of_istio { OF_ISTIO } else { FOLDER };
    repository().join(folder).join(format!("{name}.json"))
}

/// One of the schemas, as it is stored.
pub fn stored(name: &str) -> Value {
    let path = path(name);
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Kinds {
    /// Reads all of them.
    pub fn read() -> Self {
        let paths = [FOLDER, OF_ISTIO].into_iter().flat_map(|folder| {
            let folder = repository().join(folder);
            let entries = fs::read_dir(&folder)
                .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
            entries.map(|entry| entry.unwrap().path())
        });
        let mut names: Vec<String> = paths
            .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .filter(|name| name != METADATA)
            .collect();
        names.sort();
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        let kinds = names.into_iter().map(|name| {
            let mut schema = stored(&name);
            let properties = schema["properties"].as_object_mut().unwrap();
            let of = constant(properties, "apiVersion").zip(constant(properties, "kind"));
            let top = properties.keys().cloned().collect();
            if let Some(metadata) = properties.get_mut("metadata") {
                *metadata = stored(METADATA);
            }
            let url = format!("memory:///{name}.json");
            compiler.add_resource(&url, schema).unwrap();
            let index = compiler.compile(&url, &mut schemas);
            let index = index.unwrap_or_else(|error| panic!("{name}: {error:#}"));
            Kind {
                name,
                of,
                top,
                index,
            }
        });
        let kinds = kinds.collect();
        Self { schemas, kinds }
    }

    /// Their names.
    pub fn names(&self) -> Vec<&str> {
        self.kinds.iter().map(|kind| kind.name.as_str()).collect()
    }

    /// The name of the schema that an object, a patch or values are held against.
    pub fn name_of(&self, resource: &Value) -> Option<&str> {
        Some(self.find(resource)?.name.as_str())
    }

    /// All that a cluster would not take of it, or would drop; each with its place.
    pub fn problems(&self, resource: &Value) -> Vec<String> {
        let Some(kind) = self.find(resource) else {
            let named = |field: &str| resource[field].as_str().unwrap_or("nothing").to_owned();
            let (version, kind) = (named("apiVersion"), named("kind"));
            return vec![format!("no schema is known of `{kind}` of `{version}`")];
        };
        let mut problems = Vec::new();
        if let Err(error) = self.schemas.validate(resource, kind.index) {
            leaves(&error, &mut problems);
        }
        problems.extend(rules::broken(&kind.name, resource));
        problems
    }

    fn find(&self, resource: &Value) -> Option<&Kind> {
        let fields = resource.as_object()?;
        self.kinds.iter().find(|kind| match &kind.of {
            Some((version, name)) => {
                resource["apiVersion"] == **version && resource["kind"] == **name
            }
            None => {
                !fields.contains_key("kind") && kind.top.iter().any(|top| fields.contains_key(top))
            }
        })
    }
}

/// The one value that a field may have.
fn constant(properties: &Map<String, Value>, field: &str) -> Option<String> {
    let value = properties.get(field)?.get("const")?;
    Some(value.as_str()?.to_owned())
}

/// What is wrong, without the steps that led there.
fn leaves(error: &ValidationError<'_, '_>, problems: &mut Vec<String>) {
    if error.causes.is_empty() {
        problems.push(format!("`{}`: {}", error.instance_location, error.kind));
    }
    for cause in &error.causes {
        leaves(cause, problems);
    }
}
