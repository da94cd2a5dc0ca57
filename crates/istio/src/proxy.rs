//! The proxy that configuration is made for, and which EnvoyFilters are for it.

use super::attach::WaypointService;
use super::resource::{EnvoyFilter, Patch, PatchContext, VersionMatch};
use std::collections::BTreeMap;
use std::fmt;

/// Stands in for "some current release"; who asks about version clauses sets another.
const ISTIO_VERSION: &str = "1.30.0";
/// The label Istio puts on the pods of a Kubernetes Gateway.
pub(super) const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";

/// Which side of the mesh a proxy's listeners and routes are on.
///
/// A real sidecar has an inbound and an outbound half; a bootstrap here has one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// Requests to the workload.
    SidecarInbound,
    /// Requests from the workload.
    SidecarOutbound,
    /// A gateway.
    Gateway,
    /// A waypoint, for what it is sent.
    Waypoint,
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Context::SidecarInbound => "sidecar, inbound,",
            Context::SidecarOutbound => "sidecar, outbound,",
            Context::Gateway => "gateway",
            Context::Waypoint => "waypoint",
        })
    }
}

impl Context {
    /// The context in which istiod patches this proxy's listeners and routes. Those of a waypoint are
    /// inbound ones to it.
    pub(super) fn patched_as(self) -> Context {
        match self {
            Context::Waypoint => Context::SidecarInbound,
            context => context,
        }
    }

    /// The contexts in which this proxy's clusters are patched: both halves of a sidecar share them,
    /// so a cluster added for outbound serves an inbound filter as well.
    pub(super) fn of_clusters(self) -> &'static [Context] {
        match self {
            Context::Gateway => &[Context::Gateway],
            _ => &[Context::SidecarOutbound, Context::SidecarInbound],
        }
    }
}

/// What istiod knows of a proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// The half that is rendered.
    pub context: Context,
    /// Where the workload runs.
    pub namespace: String,
    /// The namespace whose EnvoyFilters are for the whole mesh.
    pub root_namespace: String,
    /// The workload's labels.
    pub labels: BTreeMap<String, String>,
    /// `ISTIO_VERSION`; with none, no version clause matches.
    pub istio_version: String,
    /// The node metadata that `match.proxy.metadata` is compared with.
    pub metadata: BTreeMap<String, String>,
    /// Hosts of the services the workload belongs to, for clauses on inbound clusters.
    pub services: Vec<String>,
    /// On gateways, the service ports that lead to a listener port.
    pub gateway_ports: BTreeMap<u32, Vec<u32>>,
    /// On waypoints, the services that a `targetRefs` may name. A base has one service, so all of
    /// them are taken for that one.
    pub waypoint_services: Vec<WaypointService>,
}

impl Proxy {
    /// A proxy in `namespace`, without labels.
    pub fn new(context: Context, namespace: &str) -> Proxy {
        Proxy {
            context,
            namespace: namespace.to_string(),
            root_namespace: "istio-system".to_string(),
            labels: BTreeMap::new(),
            istio_version: ISTIO_VERSION.to_string(),
            metadata: BTreeMap::new(),
            services: Vec::new(),
            gateway_ports: BTreeMap::new(),
            waypoint_services: Vec::new(),
        }
    }

    /// The waypoint `name` in `namespace`, which serves the Service `service` there.
    pub fn waypoint(namespace: &str, name: &str, service: &str) -> Proxy {
        let mut proxy = Proxy::new(Context::Waypoint, namespace).label(GATEWAY_NAME, name);
        proxy.waypoint_services.push(WaypointService {
            namespace: namespace.to_string(),
            name: service.to_string(),
            is_service_entry: false,
        });
        proxy
    }

    /// The same proxy with one more label.
    #[must_use]
    pub fn label(mut self, name: &str, value: &str) -> Proxy {
        self.labels.insert(name.to_string(), value.to_string());
        self
    }

    /// The filters for this proxy, in the order istiod applies them.
    pub(super) fn applicable<'a>(&self, filters: &'a [EnvoyFilter]) -> Vec<&'a EnvoyFilter> {
        let mut applicable: Vec<_> = filters
            .iter()
            .filter(|filter| self.is_selected_by(filter))
            .collect();
        applicable.sort_by_key(|filter| {
            (
                filter.priority,
                filter.namespace != self.root_namespace,
                filter.created.clone(),
                format!("{}.{}", filter.name, filter.namespace),
            )
        });
        applicable
    }

    pub(super) fn is_selected_by(&self, filter: &EnvoyFilter) -> bool {
        let is_near = [&self.namespace, &self.root_namespace].contains(&&filter.namespace);
        // An EnvoyFilter is not told the services of a waypoint.
        is_near
            && self.attaches_to(
                &[],
                &filter.namespace,
                Some(&filter.labels),
                &filter.target_refs,
            )
    }

    /// Whether `match.proxy` of this patch means this proxy; the context is compared stage by stage.
    pub(super) fn is_meant_by(&self, patch: &Patch) -> bool {
        if patch.context == PatchContext::Waypoint {
            return false;
        }
        let Some(clause) = &patch.proxy else {
            return true;
        };
        let version = match &clause.version {
            VersionMatch::Any => true,
            VersionMatch::Nothing => false,
            VersionMatch::Search(regex) => {
                !self.istio_version.is_empty() && regex.is_match(&self.istio_version)
            }
        };
        version
            && clause
                .metadata
                .iter()
                .all(|(key, value)| self.metadata.get(key) == Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(metadata: &str, spec: &str) -> EnvoyFilter {
        EnvoyFilter::parse(&format!(
            "{{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, \
             metadata: {{{metadata}}}, spec: {{{spec}}}}}"
        ))
        .unwrap()
    }

    fn proxy() -> Proxy {
        Proxy::new(Context::SidecarInbound, "apps")
            .label("app", "a")
            .label(GATEWAY_NAME, "edge")
    }

    #[test]
    fn low_priority_numbers_run_first_then_the_root_namespace_then_the_older() {
        let filters = [
            filter("name: e, namespace: apps", "priority: 1"),
            filter(
                "name: d, namespace: apps, creationTimestamp: '2026-02-01T00:00:00Z'",
                "",
            ),
            filter(
                "name: b, namespace: apps, creationTimestamp: '2026-01-01T00:00:00Z'",
                "",
            ),
            filter(
                "name: c, namespace: apps, creationTimestamp: '2026-01-01T00:00:00Z'",
                "",
            ),
            filter(
                "name: a, namespace: istio-system, creationTimestamp: '2026-03-01T00:00:00Z'",
                "",
            ),
            filter("name: first, namespace: apps", "priority: -1"),
            filter("name: elsewhere, namespace: other", ""),
        ];
        let order = proxy().applicable(&filters);
        let names: Vec<&str> = order.iter().map(|filter| filter.name.as_str()).collect();
        assert_eq!(names, ["first", "a", "b", "c", "d", "e"]);
    }

    #[test]
    fn selectors_and_targets_pick_workloads() {
        for (spec, selected) in [
            ("", true),
            ("workloadSelector: {}", true),
            ("workloadSelector: {labels: {app: a}}", true),
            ("workloadSelector: {labels: {app: b}}", false),
            ("workloadSelector: {labels: {app: a, version: v1}}", false),
            (
                "targetRefs: [{kind: Gateway, group: gateway.networking.k8s.io, name: edge}]",
                true,
            ),
            (
                "targetRefs: [{kind: Gateway, group: gateway.networking.k8s.io, name: other}]",
                false,
            ),
            ("targetRefs: [{kind: Gateway, name: edge}]", false),
            ("targetRefs: [{kind: Service, name: edge}]", false),
            (
                "targetRefs: [{kind: GatewayClass, group: gateway.networking.k8s.io, name: istio-waypoint}]",
                false,
            ),
        ] {
            let filter = filter("name: test, namespace: apps", spec);
            assert_eq!(proxy().is_selected_by(&filter), selected, "{spec}");
        }
    }

    #[test]
    fn versions_are_searched_for_and_metadata_is_compared() {
        let long = format!("'{}'", ".?".repeat(600));
        for (clause, version, meant) in [
            ("proxyVersion: '1.1'", "1.1.0", true),
            // The dot is any character and nothing is anchored.
            ("proxyVersion: '1.1'", "1.19.2", true),
            ("proxyVersion: '1.1'", "2.101", true),
            ("proxyVersion: '^1\\.1\\.'", "1.19.2", false),
            ("proxyVersion: '.*'", "", false),
            (&format!("proxyVersion: {long}"), "1.19.2", false),
            ("metadata: {KIND: a}", "", true),
            ("metadata: {KIND: b}", "", false),
            ("metadata: {OTHER: a}", "", false),
        ] {
            let spec = format!(
                "configPatches: [{{applyTo: HTTP_FILTER, match: {{proxy: {{{clause}}}}}, \
                 patch: {{operation: REMOVE}}}}]"
            );
            let mut proxy = proxy();
            proxy.istio_version = version.to_string();
            proxy.metadata.insert("KIND".into(), "a".into());
            let filter = filter("name: test", &spec);
            assert_eq!(
                proxy.is_meant_by(&filter.patches[0]),
                meant,
                "{clause} in {version}"
            );
        }
    }
}
