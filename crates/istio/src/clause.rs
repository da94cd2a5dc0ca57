//! The match clauses of an EnvoyFilter, in the resource's own shape: an absent or zero field matches
//! anything, which is also what protobuf defaults make of them.

use serde::Deserialize;

/// Which listener, and what inside it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ListenerMatch {
    /// The listener's port; inside `virtualInbound` and `virtualOutbound`, a filter chain's port.
    pub port_number: u32,
    /// Accepted and ignored, as by istiod.
    pub port_name: String,
    /// Which filter chain.
    pub filter_chain: Option<FilterChainMatch>,
    /// Which listener filter, for `LISTENER_FILTER`.
    pub listener_filter: String,
    /// The listener's name.
    pub name: String,
}

/// Which filter chain of a listener.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FilterChainMatch {
    /// The chain's name.
    pub name: String,
    /// One of the chain's server names.
    pub sni: String,
    /// The chain's transport protocol.
    pub transport_protocol: String,
    /// Comma-separated protocols, all of which the chain must list.
    pub application_protocols: String,
    /// Which network filter.
    pub filter: Option<FilterMatch>,
    /// The chain's destination port.
    pub destination_port: u32,
}

/// Which network filter of a chain.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FilterMatch {
    /// The network filter's name.
    pub name: String,
    /// Which HTTP filter inside it.
    pub sub_filter: Option<SubFilterMatch>,
}

/// Which HTTP filter of a connection manager.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SubFilterMatch {
    /// The HTTP filter's name.
    pub name: String,
}

/// Which route configuration, and what inside it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RouteConfigurationMatch {
    /// The port in the configuration's name, or on gateways a service port mapped to it.
    pub port_number: u32,
    /// The gateway server's port name.
    pub port_name: String,
    /// The gateway, as `namespace/name`.
    pub gateway: String,
    /// Which virtual host.
    pub vhost: Option<VirtualHostMatch>,
    /// The route configuration's name.
    pub name: String,
}

/// Which virtual host of a route configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct VirtualHostMatch {
    /// The virtual host's name.
    pub name: String,
    /// One of the virtual host's domains.
    pub domain_name: String,
    /// Which route.
    pub route: Option<RouteMatch>,
}

/// Which route of a virtual host.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RouteMatch {
    /// The route's name.
    pub name: String,
    /// What the route does.
    pub action: RouteAction,
}

/// What a matched route does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RouteAction {
    /// Anything.
    #[default]
    Any,
    /// It forwards.
    Route,
    /// It redirects.
    Redirect,
    /// It answers.
    DirectResponse,
}

/// Which cluster.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ClusterMatch {
    /// The port in the cluster's name.
    pub port_number: u32,
    /// The host in the cluster's name, or a service of the workload for inbound clusters.
    pub service: String,
    /// The subset in the cluster's name.
    pub subset: String,
    /// The cluster's name; where set, nothing else is compared.
    pub name: String,
}
