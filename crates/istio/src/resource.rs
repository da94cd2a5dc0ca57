//! An EnvoyFilter as the rest of the renderer sees it: checked, with every patch value in snake_case.
//! What is accepted lives in `wire`, the words of refusal in `check`.

use super::clause::{ClusterMatch, ListenerMatch, RouteConfigurationMatch};
use super::wire;
use crate::{Error, Object};
use regex_lite::Regex;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// One EnvoyFilter resource.
#[derive(Clone, Debug)]
pub struct EnvoyFilter {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`, `default` where absent.
    pub namespace: String,
    /// `metadata.creationTimestamp`; RFC 3339 in UTC sorts as text.
    pub created: String,
    /// `spec.priority`: low runs first.
    pub priority: i32,
    /// `spec.workloadSelector.labels`; empty selects every workload.
    pub labels: BTreeMap<String, String>,
    /// `spec.targetRefs`.
    pub target_refs: Vec<TargetRef>,
    /// `spec.configPatches`.
    pub patches: Vec<Patch>,
    /// What istiod accepts but warns about.
    pub warnings: Vec<String>,
}

impl EnvoyFilter {
    /// Reads the one resource in `yaml`.
    ///
    /// # Errors
    /// As [`EnvoyFilter::parse_all`], and where there is another number of resources than one.
    pub fn parse(yaml: &str) -> Result<EnvoyFilter, Error> {
        let mut all = EnvoyFilter::parse_all(yaml)?;
        match (all.pop(), all.is_empty()) {
            (Some(one), true) => Ok(one),
            (None, _) => Err(Error::Count(0)),
            (Some(_), false) => Err(Error::Count(all.len() + 1)),
        }
    }

    /// Reads every resource in `yaml`, which holds EnvoyFilters and nothing else.
    ///
    /// # Errors
    /// What is not YAML, what istiod would refuse, and fields that the resource does not have.
    pub fn parse_all(yaml: &str) -> Result<Vec<EnvoyFilter>, Error> {
        wire::read(yaml)
    }
}

/// For files that hold other objects as well.
impl TryFrom<&Object> for EnvoyFilter {
    type Error = Error;

    fn try_from(object: &Object) -> Result<EnvoyFilter, Error> {
        wire::of(object)
    }
}

/// What an EnvoyFilter is attached to, when not to labels.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetRef {
    /// The API group, empty for core.
    #[serde(default)]
    pub group: String,
    /// `Gateway`, `GatewayClass`, `Service` or `ServiceEntry`.
    pub kind: String,
    /// The object's name.
    pub name: String,
}

/// One entry of `configPatches`.
#[derive(Clone, Debug)]
pub struct Patch {
    /// The kind of object it changes.
    pub apply_to: ApplyTo,
    /// The kind of proxy it is for.
    pub context: PatchContext,
    /// Which proxies of that kind.
    pub proxy: Option<ProxyMatch>,
    /// Which objects; absent is all of them.
    pub object: Option<ObjectMatch>,
    /// What is done to them.
    pub operation: Operation,
    /// The Envoy object to add or merge, keys in snake_case; null for removals.
    pub value: Value,
}

impl Patch {
    /// The operation istiod carries out: only ordered lists know where to insert, elsewhere it adds.
    pub fn effective_operation(&self) -> Operation {
        use Operation::{Add, InsertAfter, InsertBefore, InsertFirst};
        match self.operation {
            InsertBefore | InsertAfter | InsertFirst if !self.apply_to.is_ordered() => Add,
            operation => operation,
        }
    }

    /// The listener clause, where there is one.
    pub fn listener(&self) -> Option<&ListenerMatch> {
        match &self.object {
            Some(ObjectMatch::Listener(clause)) => Some(clause),
            _ => None,
        }
    }

    /// The route configuration clause, where there is one.
    pub fn route_configuration(&self) -> Option<&RouteConfigurationMatch> {
        match &self.object {
            Some(ObjectMatch::RouteConfiguration(clause)) => Some(clause),
            _ => None,
        }
    }

    /// The cluster clause, where there is one.
    pub fn cluster(&self) -> Option<&ClusterMatch> {
        match &self.object {
            Some(ObjectMatch::Cluster(clause)) => Some(clause),
            _ => None,
        }
    }
}

/// The kind of object a patch changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the variants are the API's own words")]
pub enum ApplyTo {
    Listener,
    FilterChain,
    ListenerFilter,
    NetworkFilter,
    HttpFilter,
    RouteConfiguration,
    VirtualHost,
    HttpRoute,
    Cluster,
    ExtensionConfig,
    Bootstrap,
}

impl ApplyTo {
    /// Whether the order of such objects matters, so that inserting differs from adding.
    pub fn is_ordered(self) -> bool {
        use ApplyTo::{HttpFilter, HttpRoute, ListenerFilter, NetworkFilter};
        matches!(
            self,
            HttpFilter | HttpRoute | ListenerFilter | NetworkFilter
        )
    }

    /// Whether istiod carries `operation` out on such objects at all; elsewhere it is passed over.
    pub fn supports(self, operation: Operation) -> bool {
        use ApplyTo::*;
        use Operation::{Add, Merge, MergeAndReplaceList, Remove, Replace};
        match operation {
            Merge => self != ExtensionConfig,
            MergeAndReplaceList => matches!(
                self,
                Listener | FilterChain | RouteConfiguration | VirtualHost | HttpRoute | Cluster
            ),
            Replace => {
                matches!(
                    self,
                    ListenerFilter | NetworkFilter | HttpFilter | VirtualHost
                )
            }
            Remove => !matches!(self, RouteConfiguration | ExtensionConfig | Bootstrap),
            Add => !matches!(self, RouteConfiguration | Bootstrap),
            _ => self.is_ordered(),
        }
    }
}

impl fmt::Display for ApplyTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ApplyTo::Listener => "listener",
            ApplyTo::FilterChain => "filter chain",
            ApplyTo::ListenerFilter => "listener filter",
            ApplyTo::NetworkFilter => "network filter",
            ApplyTo::HttpFilter => "http filter",
            ApplyTo::RouteConfiguration => "route configuration",
            ApplyTo::VirtualHost => "virtual host",
            ApplyTo::HttpRoute => "route",
            ApplyTo::Cluster => "cluster",
            ApplyTo::ExtensionConfig => "extension configuration",
            ApplyTo::Bootstrap => "bootstrap",
        })
    }
}

/// What a patch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the variants are the API's own words")]
pub enum Operation {
    Merge,
    MergeAndReplaceList,
    Add,
    Remove,
    InsertBefore,
    InsertAfter,
    InsertFirst,
    Replace,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operation::Merge => "MERGE",
            Operation::MergeAndReplaceList => "MERGE_AND_REPLACE_LIST",
            Operation::Add => "ADD",
            Operation::Remove => "REMOVE",
            Operation::InsertBefore => "INSERT_BEFORE",
            Operation::InsertAfter => "INSERT_AFTER",
            Operation::InsertFirst => "INSERT_FIRST",
            Operation::Replace => "REPLACE",
        })
    }
}

/// The kind of proxy a patch is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PatchContext {
    /// Any of the others.
    #[default]
    Any,
    /// Requests to the workload.
    SidecarInbound,
    /// Requests from the workload.
    SidecarOutbound,
    /// Gateways.
    Gateway,
    /// Waypoints, which are not rendered here: such a patch applies to nothing.
    Waypoint,
}

/// Which proxies of a context.
#[derive(Clone, Debug)]
pub struct ProxyMatch {
    /// The version clause.
    pub version: VersionMatch,
    /// Node metadata, compared for equality.
    pub metadata: BTreeMap<String, String>,
}

/// The `proxyVersion` clause, compiled.
#[derive(Clone, Debug)]
pub enum VersionMatch {
    /// There is none.
    Any,
    /// It is too long, and istiod then matches nothing.
    Nothing,
    /// A search, not anchored: `1.1` is found in `1.19.2`.
    Search(Regex),
}

/// The clause that picks objects.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each variant is the clause it holds")]
pub enum ObjectMatch {
    Listener(ListenerMatch),
    RouteConfiguration(RouteConfigurationMatch),
    Cluster(ClusterMatch),
}
