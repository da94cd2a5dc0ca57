//! WasmPlugin and TrafficExtension, checked. Istio makes the first into the second before it does
//! anything else with it, so here both are one type.

mod agent;
mod assemble;
mod env;
mod fields;
mod filter;
mod read;
mod target;
mod url;
mod wasm;

use crate::resource::TargetRef;
use crate::{Error, Finding, Object};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

pub(crate) use agent::convert;
pub use agent::{Agent, Download};
pub(crate) use assemble::{Assembled, assemble};
pub(crate) use fields::expected;

/// Which of the two kinds of resource it was written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants are the API's own words")]
pub enum ExtensionKind {
    WasmPlugin,
    TrafficExtension,
}

/// One WasmPlugin or TrafficExtension of `extensions.istio.io/v1alpha1`.
#[derive(Clone, Debug)]
pub struct TrafficExtension {
    /// What it was written as.
    pub kind: ExtensionKind,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`, `default` where absent.
    pub namespace: String,
    /// `metadata.creationTimestamp`; RFC 3339 in UTC sorts as text.
    pub created: String,
    /// `metadata.resourceVersion`, by which the agent knows that a module is to be fetched again.
    pub resource_version: String,
    /// `spec.selector.matchLabels`; none at all selects every workload of the namespace.
    pub selector: Option<BTreeMap<String, String>>,
    /// `spec.targetRefs`, or the one of `spec.targetRef`.
    pub target_refs: Vec<TargetRef>,
    /// `spec.phase`: where among Istio's filters.
    pub phase: Phase,
    /// `spec.priority`: the higher runs first in its phase, and what has none runs last.
    pub priority: Option<i32>,
    /// `spec.match`: any of them lets a listener be meant; none of them lets all be.
    pub matches: Vec<TrafficSelector>,
    /// What runs.
    pub code: Code,
    /// What Istio takes and its author surely did not mean.
    pub warnings: Vec<Finding>,
}

/// Where a filter is put among those of Istio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Before Istio's authentication.
    Authn,
    /// Behind Istio's authentication and before its authorization.
    Authz,
    /// Behind Istio's authorization.
    Stats,
    /// Behind those of [`Phase::Stats`]: not next to the router.
    #[default]
    Unspecified,
}

/// Which listeners are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrafficSelector {
    /// Of which side.
    pub mode: Mode,
    /// Of which ports; none is all of them.
    pub ports: Vec<u32>,
}

/// The side of a workload that traffic is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// What it sends; also all traffic of a gateway.
    Client,
    /// What it is sent; also all traffic of a waypoint.
    Server,
    /// Both.
    #[default]
    ClientAndServer,
}

/// What a filter runs.
#[derive(Clone, Debug)]
pub enum Code {
    /// A module.
    Wasm(Box<WasmConfig>),
    /// A script, of TrafficExtensions alone.
    Lua(String),
}

/// The module of a filter and what is told to it.
#[derive(Clone, Debug, Default)]
pub struct WasmConfig {
    /// Where it is, as written; without a scheme it is an image.
    pub url: String,
    /// Of the module for http and https, of the image's manifest for `oci`; empty for any.
    pub sha256: String,
    /// `IfNotPresent` or `Always`, empty where not said.
    pub image_pull_policy: String,
    /// The Secret with the registry's credentials, in the resource's own namespace.
    pub image_pull_secret: String,
    /// The configuration; every number in it is a double.
    pub plugin_config: Map<String, Value>,
    /// Envoy's `root_id`.
    pub plugin_name: String,
    /// What happens to requests when the module cannot be had or has died.
    pub fail_strategy: FailStrategy,
    /// Environment variables of the module's VM.
    pub env: Vec<EnvVar>,
    /// The kind of filter it is.
    pub plugin_type: PluginType,
}

/// What happens to requests where there is no module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailStrategy {
    /// They are refused.
    #[default]
    FailClose,
    /// They pass.
    FailOpen,
    /// They are refused while a module that has died is started again.
    FailReload,
}

/// An environment variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvVar {
    /// Its name.
    pub name: String,
    /// The value, or none where it is that of the proxy's own variable of this name.
    pub value: Option<String>,
}

/// The kind of filter a module is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PluginType {
    /// Of requests.
    #[default]
    Http,
    /// Of connections; not rendered here.
    Network,
}

impl TrafficExtension {
    /// Reads every resource in `yaml`, which holds WasmPlugins, TrafficExtensions and nothing else.
    ///
    /// # Errors
    /// What is not YAML, and what Kubernetes or istiod would refuse: all of one resource at once.
    pub fn parse_all(yaml: &str) -> Result<Vec<TrafficExtension>, Error> {
        let objects = Object::read_all(yaml)?;
        objects.iter().map(TrafficExtension::try_from).collect()
    }

    /// The name of the Envoy filter, and of the configuration it asks for.
    pub fn resource_name(&self) -> String {
        format!("extensions.istio.io/trafficextension/{}", self.full_name())
    }

    /// `namespace/name`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// `namespace.name`, as Envoy names the plugin.
    fn full_name(&self) -> String {
        format!("{}.{}", self.namespace, self.marked_name())
    }

    /// The name; what Istio made from a WasmPlugin has a mark that no name in Kubernetes can have.
    fn marked_name(&self) -> String {
        let mark = match self.kind {
            ExtensionKind::WasmPlugin => "~istio-translated-wasmplugin",
            ExtensionKind::TrafficExtension => "",
        };
        format!("{}{mark}", self.name)
    }
}

/// For files that hold other objects as well.
impl TryFrom<&Object> for TrafficExtension {
    type Error = Error;

    fn try_from(object: &Object) -> Result<TrafficExtension, Error> {
        read::read(object)
    }
}
