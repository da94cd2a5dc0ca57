//! Filters with a configuration in force, ready to be asked.

use catalog::{Filter, Loaded};
use sdk_helpers::{ConfigError, Timestamp};
use serde_json::{Map, Value};

use crate::closest::Written;
use crate::secrets::Secrets;
use crate::world::{SimulatedWorld, Workload};

/// What verifies tokens, and in what field and object its configuration stands.
pub(crate) const AUTHENTICATION: (&str, &str, &str) = (
    "request-authentication",
    "requestAuthentication",
    "RequestAuthentication",
);

/// Filters with a configuration in force.
#[derive(Debug)]
pub struct Chain {
    /// None where there is nothing to ask.
    whole: Option<Loaded>,
    /// The same without what verifies tokens, for requests whose claims are declared.
    declared: Option<Loaded>,
    pub(crate) written: Written,
    pub(crate) secrets: Secrets,
    pub(crate) workload: Option<Workload>,
}

impl Chain {
    /// Loads a configuration of this filter at a time, for the proxy of a workload if one is named.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with the path of its field.
    pub fn load(
        filter: &Filter,
        tree: &Value,
        now: Timestamp,
        workload: Option<Workload>,
    ) -> Result<Self, Vec<ConfigError>> {
        let world = SimulatedWorld::new(now, workload.clone());
        let load = |tree: &Value| filter.load(tree.to_string().as_bytes(), &world);
        let whole = load(tree)?;
        let (name, field, kind) = AUTHENTICATION;
        let authenticates = whole.stages().iter().any(|stage| stage.name == name);
        let declared = match authenticates {
            false => None,
            true => without(tree, field, kind),
        };
        Ok(Chain {
            declared: declared.map(|tree| load(&tree)).transpose()?,
            whole: Some(whole),
            written: Written::of(tree),
            secrets: Secrets::of_policies(tree),
            workload,
        })
    }

    /// No filter at all: every request passes.
    #[must_use]
    pub fn empty() -> Self {
        Chain {
            whole: None,
            declared: None,
            written: Written::default(),
            secrets: Secrets::default(),
            workload: None,
        }
    }

    /// What is legal in the configuration and surely was not meant.
    #[must_use]
    pub fn warnings(&self) -> &[ConfigError] {
        self.whole.as_ref().map_or(&[], Loaded::warnings)
    }

    /// Whether tokens are verified.
    #[must_use]
    pub fn authenticates(&self) -> bool {
        let (name, ..) = AUTHENTICATION;
        self.whole
            .iter()
            .flat_map(Loaded::stages)
            .any(|stage| stage.name == name)
    }

    /// The filters for a request, whose claims may be declared; none where nothing is left to ask.
    pub(crate) fn filters(&self, has_claims: bool) -> Option<&Loaded> {
        match has_claims && self.authenticates() {
            true => self.declared.as_ref(),
            false => self.whole.as_ref(),
        }
    }
}

/// The configuration of the one module without that of one filter; none where nothing else is in it.
fn without(tree: &Value, field: &str, kind: &str) -> Option<Value> {
    let mut map = tree.as_object()?.clone();
    map.remove(field);
    let other = |object: &Value| object.get("kind").and_then(Value::as_str) != Some(kind);
    if let Some(Value::Array(resources)) = map.get_mut("resources") {
        resources.retain(other);
        if resources.is_empty() {
            map.remove("resources");
        }
    }
    let is_filter = |map: &Map<String, Value>| map.keys().any(|name| name != "filterState");
    is_filter(&map).then_some(Value::Object(map))
}
