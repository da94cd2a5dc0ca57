//! Objects that nothing is known of.

use std::collections::BTreeSet;

use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::ours;
use crate::rule::Rule;
use crate::source::Item;

pub(super) const RULE: Rule = Rule {
    code: "MF0003",
    severity: Severity::Info,
    title: "an object of an unknown kind is passed over",
    text: "The kind is none of Istio's or of Kubernetes' that policies have to do with, or the document has no kind \
           and none of the fields by which a filter's configuration is known. It is not checked, and is said once \
           for each kind, or once for each file. Kubernetes' own kinds are passed over without a word.",
    help: "if it is the configuration of one filter, say of which with `--filter NAME`",
    bad: "
apiVersion: example.com/v1
kind: Policy
metadata: {name: viewer}
",
    good: "
apiVersion: apps/v1
kind: Deployment
metadata: {name: viewer}
",
    find,
};

/// Kinds of Istio's that there is nothing to say of, or that rules look at.
const KNOWN: [&str; 17] = [
    "AuthorizationPolicy",
    "DestinationRule",
    "EnvoyFilter",
    "Gateway",
    "IstioOperator",
    "MeshConfig",
    "PeerAuthentication",
    "ProxyConfig",
    "RequestAuthentication",
    "ServiceEntry",
    "Sidecar",
    "Telemetry",
    "TrafficExtension",
    "VirtualService",
    "WasmPlugin",
    "WorkloadEntry",
    "WorkloadGroup",
];

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    let mut told = BTreeSet::new();
    for item in &mesh.items {
        if is_known(item, mesh) {
            continue;
        }
        let kind = item.kind();
        let (once, message) = match kind {
            "" => (
                mesh.name(item.file).to_owned(),
                "neither an object with a kind nor a filter's configuration: passed over"
                    .to_owned(),
            ),
            kind => (
                format!("{} {kind}", item.group()),
                format!("the kind `{}` is unknown: passed over", kind.escape_debug()),
            ),
        };
        if told.insert(once) {
            let path = match kind {
                "" => item.path(""),
                _ => item.path("kind"),
            };
            found.at_path(item, &path, message);
        }
    }
}

fn is_known(item: &Item<'_>, mesh: &Mesh<'_>) -> bool {
    let group = item.group();
    // Those of Kubernetes itself have no domain, or one of k8s.io.
    let is_kubernetes =
        !item.api_version().is_empty() && (!group.contains('.') || group.ends_with("k8s.io"));
    let is_istio = group.ends_with("istio.io") || group.is_empty();
    is_kubernetes
        || ["config.istio.io", "gateway.envoyproxy.io"].contains(&group)
        || (is_istio && KNOWN.contains(&item.kind()))
        || ours::of(item, mesh).is_some()
        || is_bootstrap(item)
        || !policies::embedded(&item.root).is_empty()
}

/// Whether it is a file of Envoy's.
fn is_bootstrap(item: &Item<'_>) -> bool {
    ["static_resources", "dynamic_resources"]
        .iter()
        .any(|field| item.root.envoy(field).is_some())
}
