//! Objects that nothing is known of.

use std::collections::BTreeSet;

use sdk_helpers::config::{Remedy, surely};

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
           for each kind, or once for each file. Kubernetes' own kinds are passed over without a word. A kind of \
           Istio's but for a letter or two is a warning: the API server knows it no more than this does. So is one \
           without `apiVersion`.",
    help: "if it is the configuration of one filter, say of which with `--filter NAME`; if it is an object, mend its kind",
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
        let kind = item.kind();
        let is_bare = item.api_version().is_empty() && kind != "MeshConfig";
        if is_bare && KNOWN.contains(&kind) {
            let message = "has no `apiVersion`: kubectl refuses it, and only a filter's own configuration may be so";
            found.at_path(item, &item.path("kind"), message);
            found.severity(Severity::Warning);
        }
        if is_known(item, mesh) {
            continue;
        }
        if kind.is_empty() {
            if told.insert(mesh.name(item.file).to_owned()) {
                let message =
                    "neither an object with a kind nor a filter's configuration: passed over";
                found.at_path(item, &item.path(""), message);
            }
            continue;
        }
        let shown = kind.escape_debug();
        let path = item.path("kind");
        // One that is misspelt is told each time, for each time something is not in force.
        if let Some(meant) = surely(kind, &KNOWN).filter(|_| is_istio(item)) {
            let message = format!(
                "Istio has no kind `{shown}`, and nothing reads the object; did you mean `{meant}`?"
            );
            found.at_path(item, &path, message);
            found.severity(Severity::Warning);
            found.mended_by(item, &path, Remedy::Write(meant.into()));
        } else if told.insert(format!("{} {kind}", item.group())) {
            found.at_path(
                item,
                &path,
                format!("the kind `{shown}` is unknown: passed over"),
            );
        }
    }
}

fn is_known(item: &Item<'_>, mesh: &Mesh<'_>) -> bool {
    let group = item.group();
    // Those of Kubernetes itself have no domain, or one of k8s.io.
    let is_kubernetes =
        !item.api_version().is_empty() && (!group.contains('.') || group.ends_with("k8s.io"));
    is_kubernetes
        || group == "gateway.envoyproxy.io"
        || super::gone::is_gone(item)
        || (is_istio(item) && KNOWN.contains(&item.kind()))
        || policies::Mesh::config(item.root.value()).is_some()
        || ours::of(item, mesh).is_some()
        || is_bootstrap(item)
        || !policies::embedded(&item.root).is_empty()
}

/// Whether it is an object of Istio's; one without an `apiVersion` may be.
fn is_istio(item: &Item<'_>) -> bool {
    let group = item.group();
    group == "istio.io" || group.ends_with(".istio.io") || item.api_version().is_empty()
}

/// Whether it is a file of Envoy's.
fn is_bootstrap(item: &Item<'_>) -> bool {
    ["static_resources", "dynamic_resources"]
        .iter()
        .any(|field| item.root.envoy(field).is_some())
}
