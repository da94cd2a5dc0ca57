//! Which of Istio's resources are for a workload.

use std::collections::BTreeMap;

use istio::{Context, Proxy, TargetRef};
use serde::Deserialize;
use serde_json::Value;

use crate::{at, text};

/// A workload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// The namespace it runs in.
    pub namespace: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// The label of a gateway's or waypoint's pods.
pub const GATEWAY: &str = "gateway.networking.k8s.io/gateway-name";

/// The label of a gateway's pods that says who made them, and what it says of a waypoint's.
const MANAGED: (&str, &str) = ("gateway.istio.io/managed", "istio.io-mesh-controller");

impl Selection {
    /// Whether a resource is for it: by its namespace, its `selector`, its `targetRefs`, or, of a
    /// VirtualService, by its `exportTo`.
    #[must_use]
    pub fn takes(&self, object: &Value, root_namespace: &str) -> bool {
        let namespace = text(object, &["metadata", "namespace"]).unwrap_or("default");
        let spec = object.get("spec").unwrap_or(&Value::Null);
        if object.get("kind").and_then(Value::as_str) == Some("VirtualService") {
            return self.sees(namespace, spec);
        }
        let labels = at(spec, &["selector", "matchLabels"]);
        // What an EnvoyFilter has in its place.
        let labels = labels.or_else(|| at(spec, &["workloadSelector", "labels"]));
        let labels = labels.map(|labels| BTreeMap::deserialize(labels).unwrap_or_default());
        let targets = [spec.get("targetRef")].into_iter().flatten();
        let several = spec.get("targetRefs").and_then(Value::as_array);
        let targets = targets.chain(several.into_iter().flatten());
        let targets: Vec<TargetRef> = targets
            .filter_map(|target| TargetRef::deserialize(target).ok())
            .collect();
        self.proxy(root_namespace)
            .takes_policy(namespace, labels.as_ref(), &targets)
    }

    /// Whether a VirtualService is exported to it.
    fn sees(&self, namespace: &str, spec: &Value) -> bool {
        let export = spec.get("exportTo").and_then(Value::as_array);
        let mut to = export.into_iter().flatten().filter_map(Value::as_str);
        let mut is_said = false;
        let seen = to.any(|to| {
            is_said = true;
            to == "*" || to == self.namespace || to == "." && namespace == self.namespace
        });
        seen || !is_said
    }

    fn proxy(&self, root_namespace: &str) -> Proxy {
        let (label, waypoint) = MANAGED;
        let context = match self.labels.contains_key(GATEWAY) {
            true if self.labels.get(label).is_some_and(|of| of == waypoint) => Context::Waypoint,
            true => Context::Gateway,
            false => Context::SidecarInbound,
        };
        let mut proxy = Proxy::new(context, &self.namespace);
        proxy.root_namespace = root_namespace.to_owned();
        proxy.labels = self.labels.clone();
        proxy
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn workload(labels: &[(&str, &str)]) -> Selection {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Selection {
            namespace: "shop".to_owned(),
            labels: labels.iter().map(owned).collect(),
        }
    }

    #[test]
    fn a_policy_is_for_its_namespace_and_those_it_selects() {
        let web = workload(&[("app", "web"), ("version", "v1")]);
        let gateway = workload(&[(GATEWAY, "edge")]);
        let of_filter = json!({"workloadSelector": {"labels": {"app": "web"}}});
        let selector = json!({"selector": {"matchLabels": {"app": "web"}}});
        let target = json!({"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge"}]});
        let one_target = json!({"targetRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge"}});
        for (namespace, spec, of_web, of_gateway) in [
            ("shop", json!({}), true, true),
            ("istio-system", json!({}), true, true),
            ("other", json!({}), false, false),
            ("shop", selector.clone(), true, false),
            ("istio-system", selector, true, false),
            ("shop", of_filter, true, false),
            (
                "shop",
                json!({"selector": {"matchLabels": {"app": "api"}}}),
                false,
                false,
            ),
            ("shop", target.clone(), false, true),
            ("shop", one_target, false, true),
            ("istio-system", target, false, false),
        ] {
            let object = json!({"kind": "AuthorizationPolicy", "metadata": {"namespace": namespace}, "spec": spec});
            let seen = [&web, &gateway].map(|one| one.takes(&object, "istio-system"));
            assert_eq!(seen, [of_web, of_gateway], "{object}");
        }
    }

    #[test]
    fn a_virtual_service_is_for_those_it_is_exported_to() {
        let web = workload(&[]);
        for (namespace, export, expected) in [
            ("other", json!(null), true),
            ("other", json!(["*"]), true),
            ("other", json!(["."]), false),
            ("shop", json!(["."]), true),
            ("other", json!(["a", "shop"]), true),
            ("other", json!(["a"]), false),
        ] {
            let object = json!({"kind": "VirtualService", "metadata": {"namespace": namespace}, "spec": {"exportTo": export}});
            assert_eq!(web.takes(&object, "istio-system"), expected, "{object}");
        }
    }
}
