//! Which policies are for a proxy, by labels or by targets: the same for every kind of policy.

use super::proxy::{Context, GATEWAY_NAME, Proxy};
use super::resource::TargetRef;
use std::collections::{BTreeMap, BTreeSet};

const GATEWAY_GROUP: &str = "gateway.networking.k8s.io";
const SERVICE_ENTRY_GROUP: &str = "networking.istio.io";
/// The class of all waypoints; a policy for it stands in the root namespace.
const WAYPOINT_CLASS: &str = "istio-waypoint";

/// A service that a waypoint serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaypointService {
    /// The namespace of its object.
    pub namespace: String,
    /// The name of its object.
    pub name: String,
    /// Whether the object is a ServiceEntry, and no Service.
    pub is_service_entry: bool,
}

impl Proxy {
    /// The namespaces whose policies may be for this proxy, in the order they are looked through.
    pub(super) fn policy_namespaces(&self) -> Vec<&str> {
        let mut namespaces = vec![self.namespace.as_str(), self.root_namespace.as_str()];
        let services = self.waypoint_services.iter();
        namespaces.extend(services.map(|service| service.namespace.as_str()));
        let mut seen = BTreeSet::new();
        namespaces.retain(|namespace| seen.insert(*namespace));
        namespaces
    }

    /// Whether a policy is for this proxy: by its namespace, which is the proxy's own or the root, and there by
    /// its `selector.matchLabels` or its `targetRefs`.
    pub fn takes_policy(
        &self,
        namespace: &str,
        selector: Option<&BTreeMap<String, String>>,
        targets: &[TargetRef],
    ) -> bool {
        self.policy_namespaces().contains(&namespace) && self.attaches(namespace, selector, targets)
    }

    /// Whether a policy of this namespace, one of [`Proxy::policy_namespaces`], is for this proxy.
    pub(super) fn attaches(
        &self,
        namespace: &str,
        selector: Option<&BTreeMap<String, String>>,
        targets: &[TargetRef],
    ) -> bool {
        self.attaches_to(&self.waypoint_services, namespace, selector, targets)
    }

    /// The same, as if a waypoint served these services.
    pub(super) fn attaches_to(
        &self,
        services: &[WaypointService],
        namespace: &str,
        selector: Option<&BTreeMap<String, String>>,
        targets: &[TargetRef],
    ) -> bool {
        let is_waypoint = self.context == Context::Waypoint;
        let gateway = self.labels.get(GATEWAY_NAME);
        if targets.is_empty() {
            // A waypoint is never meant by labels, nor by their absence.
            let of_labels = !(is_waypoint && gateway.is_some());
            let labels = selector.into_iter().flatten();
            return of_labels
                && labels
                    .into_iter()
                    .all(|(name, value)| self.labels.get(name) == Some(value));
        }
        let Some(gateway) = gateway else {
            return false;
        };
        targets.iter().any(|target| {
            let serves = |is_service_entry: bool| {
                is_waypoint
                    && services.contains(&WaypointService {
                        namespace: namespace.to_string(),
                        name: target.name.clone(),
                        is_service_entry,
                    })
            };
            match (target.group.as_str(), target.kind.as_str()) {
                ("" | "core", "Service") => serves(false),
                (SERVICE_ENTRY_GROUP, "ServiceEntry") => serves(true),
                (GATEWAY_GROUP, "GatewayClass") => {
                    is_waypoint && namespace == self.root_namespace && target.name == WAYPOINT_CLASS
                }
                (GATEWAY_GROUP, "Gateway") => {
                    namespace == self.namespace && target.name == *gateway
                }
                _ => false,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EnvoyFilter;

    fn filter(metadata: &str, spec: &str) -> EnvoyFilter {
        EnvoyFilter::parse(&format!(
            "{{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, \
             metadata: {{{metadata}}}, spec: {{{spec}}}}}"
        ))
        .unwrap()
    }

    #[test]
    fn waypoints_are_meant_by_targets_alone() {
        let proxy = Proxy::waypoint("apps", "edge", "reviews").label("app", "a");
        let gateway = "group: gateway.networking.k8s.io";
        for (namespace, target, by_filter, by_extension) in [
            ("apps", String::new(), false, false),
            (
                "apps",
                format!("kind: Gateway, {gateway}, name: edge"),
                true,
                true,
            ),
            (
                "apps",
                format!("kind: Gateway, {gateway}, name: b"),
                false,
                false,
            ),
            (
                "istio-system",
                format!("kind: Gateway, {gateway}, name: edge"),
                false,
                false,
            ),
            (
                "istio-system",
                format!("kind: GatewayClass, {gateway}, name: istio-waypoint"),
                true,
                true,
            ),
            (
                "apps",
                format!("kind: GatewayClass, {gateway}, name: istio-waypoint"),
                false,
                false,
            ),
            ("apps", "kind: Service, name: reviews".into(), false, true),
            (
                "apps",
                "kind: Service, group: core, name: reviews".into(),
                false,
                true,
            ),
            ("apps", "kind: Service, name: ratings".into(), false, false),
            (
                "apps",
                "kind: ServiceEntry, group: networking.istio.io, name: reviews".into(),
                false,
                false,
            ),
        ] {
            let targets = match target.as_str() {
                "" => String::new(),
                target => format!("targetRefs: [{{{target}}}]"),
            };
            let filter = filter(&format!("name: test, namespace: {namespace}"), &targets);
            assert_eq!(
                proxy.is_selected_by(&filter),
                by_filter,
                "{namespace} {target}"
            );
            let by = proxy.attaches(namespace, None, &filter.target_refs);
            assert_eq!(by, by_extension, "{namespace} {target}");
        }
    }
}
