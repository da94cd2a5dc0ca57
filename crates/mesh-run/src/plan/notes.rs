//! What is to be said of objects that only a mesh as a whole knows.

use std::collections::{BTreeMap, BTreeSet};

use documents::Document;
use mesh::model::Model;
use mesh::model::service::Backing;
use mesh::{Addresses, Said};

use super::is_served;
use crate::calls::CallsOf;

/// Services that nobody answers for, and workloads that cannot be called.
pub(super) fn unserved(model: &Model, addresses: &Addresses) -> Vec<Said> {
    let services = model.services.iter().filter(|service| {
        matches!(service.backing, Backing::Workloads(_)) && !is_served(model, service)
    });
    let services = services.map(|service| Said {
        place: service.place.clone(),
        what: format!("no workload answers for {}", service.host),
        consequence: "requests for it are answered with 503 (UH)".to_owned(),
    });
    let workloads = model
        .workloads
        .iter()
        .filter(|one| addresses.of(one).next().is_none());
    let workloads = workloads.map(|workload| Said {
        place: workload.place.clone(),
        what: format!("{} has no replicas", workload.name),
        consequence: "nothing of it runs".to_owned(),
    });
    services.chain(workloads).collect()
}

/// Calls of hosts that no object names.
pub(super) fn uncalled(model: &Model, calls: &CallsOf) -> Vec<Said> {
    let mut notes = Vec::new();
    for (index, workload) in model.workloads.iter().enumerate() {
        for call in calls.of(model, index) {
            if call.service.is_none() {
                notes.push(Said {
                    place: workload.place.clone(),
                    what: format!(
                        "{} calls {}, and no Service or ServiceEntry has that host and port",
                        workload.name,
                        call.authority()
                    ),
                    consequence: match model.has_sidecar(workload) {
                        true => "its sidecar treats it as a host outside of the mesh",
                        false => "it is not called",
                    }
                    .to_owned(),
                });
            }
        }
    }
    notes
}

/// Kinds that something of a mesh reads, if not here.
const READ: [&str; 24] = [
    "Namespace",
    "Service",
    "ServiceEntry",
    "Deployment",
    "StatefulSet",
    "ReplicaSet",
    "Pod",
    "VirtualService",
    "DestinationRule",
    "Gateway",
    "PeerAuthentication",
    "Sidecar",
    // Names who a pod is; the pod says it as well.
    "ServiceAccount",
    "List",
    "Secret",
    "MeshConfig",
    "AuthorizationPolicy",
    "RequestAuthentication",
    "EnvoyFilter",
    "WasmPlugin",
    "TrafficExtension",
    "Telemetry",
    "IstioOperator",
    "ConfigMap",
];

/// Kinds that nobody reads: each once in a file.
pub(super) fn unknown(documents: &[Document]) -> Vec<Said> {
    let mut first: BTreeMap<(String, String), String> = BTreeMap::new();
    let known = BTreeSet::from(READ);
    for document in documents {
        let object = document.object();
        let kind = object.kind();
        let is_istio = object.api_version().contains("istio.io/");
        let is_other_gateway = kind == "Gateway" && !is_istio;
        // What is Mixer's is said with its policies.
        if object.api_version().starts_with("config.istio.io/") {
            continue;
        }
        if !kind.is_empty() && (!known.contains(kind) || is_other_gateway) {
            let kind = match is_other_gateway {
                true => format!("{kind} of {}", object.api_version()),
                false => kind.to_owned(),
            };
            let key = (document.file().to_owned(), kind);
            first.entry(key).or_insert_with(|| document.place("kind"));
        }
    }
    let all = first.into_iter().map(|((_, kind), place)| Said {
        place,
        what: format!("kind {kind}"),
        consequence: "it does nothing in this mesh".to_owned(),
    });
    all.collect()
}
