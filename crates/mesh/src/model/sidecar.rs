//! Sidecars: of what its workload calls, what a sidecar is told.
//! <https://istio.io/latest/docs/reference/config/networking/sidecar/>

use std::collections::BTreeMap;

use crate::field::Field;
use crate::model::workload::Workload;
use crate::model::{mesh_config, name_of, namespace_of};
use crate::routes::{Outside, covers};

/// A Sidecar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sidecar {
    /// Its name.
    pub name: String,
    /// Whose it is; the root namespace's is every namespace's that has none.
    pub namespace: String,
    /// The workloads that it is for; all of the namespace where there are none.
    pub selector: BTreeMap<String, String>,
    /// The hosts that are called; any where nobody says.
    pub egress: Option<Vec<EgressHost>>,
    /// What becomes of a request for another host, in place of what the mesh says.
    pub outside: Option<Outside>,
}

/// Hosts that are called: `./*`, `prod/*`, `*/api.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressHost {
    /// Of which namespace: its own `.`, any `*`, none `~`, or the one with this name.
    pub namespace: String,
    /// A name in full, or a wildcard.
    pub host: String,
    /// Where it stands in the files.
    pub place: String,
}

impl Sidecar {
    /// Whether what is in a namespace and has one of these hosts is told.
    #[must_use]
    pub fn tells<'a>(
        &self,
        own_namespace: &str,
        namespace: &str,
        mut hosts: impl Iterator<Item = &'a String>,
    ) -> bool {
        let Some(egress) = &self.egress else {
            return true;
        };
        let of: Vec<&EgressHost> = egress
            .iter()
            .filter(|one| one.is_of(own_namespace, namespace))
            .collect();
        hosts.any(|host| of.iter().any(|one| one.has(host)))
    }
}

impl EgressHost {
    pub(crate) fn is_of(&self, own_namespace: &str, namespace: &str) -> bool {
        match self.namespace.as_str() {
            "*" => true,
            "." => namespace == own_namespace,
            said => said == namespace,
        }
    }

    /// A wildcard on either side has what is in it.
    pub(crate) fn has(&self, host: &str) -> bool {
        covers(&self.host, host) || covers(host, &self.host)
    }
}

/// The Sidecar of a workload: the first one that selects it, else its namespace's, else the root namespace's.
pub(crate) fn of_workload<'a>(
    all: &'a [Sidecar],
    workload: &Workload,
    root_namespace: &str,
) -> Option<&'a Sidecar> {
    let own = all
        .iter()
        .find(|one| workload.is_selected(&one.namespace, &one.selector));
    let whole = |namespace: &str| {
        let mut whole = all.iter().filter(|one| one.selector.is_empty());
        whole.find(|one| one.namespace == namespace)
    };
    own.or_else(|| whole(&workload.namespace))
        .or_else(|| whole(root_namespace))
}

/// Reads a `Sidecar`.
pub(crate) fn read(root: &Field<'_>) -> Option<Sidecar> {
    let spec = root.get("spec")?;
    let selector = spec.at(&["workloadSelector", "labels"]);
    if let Some(ingress) = spec.get("ingress") {
        ingress.take();
        ingress.say(
            "listeners of its own for what others call",
            "each port of the workload has its one listener, which leads to that port",
        );
    }
    let mut egress = Vec::new();
    for listener in spec.list("egress") {
        for part in ["port", "bind", "captureMode"] {
            if let Some(field) = listener.get(part) {
                field.take();
                field.say(
                    format!("{part} of what is called"),
                    "a workload calls everything at one listener here, so the hosts are there for all ports",
                );
            }
        }
        egress.extend(listener.list("hosts").iter().filter_map(egress_host));
    }
    let says = spec.get("egress").is_some();
    Some(Sidecar {
        selector: selector.map(|labels| labels.texts()).unwrap_or_default(),
        egress: says.then_some(egress),
        outside: spec
            .get("outboundTrafficPolicy")
            .map(|policy| mesh_config::outside(&policy)),
        name: name_of(root)?,
        namespace: namespace_of(root),
    })
}

fn egress_host(field: &Field<'_>) -> Option<EgressHost> {
    let text = field.text()?;
    let Some((namespace, host)) = text.split_once('/') else {
        field.say(
            format!("{text:?} has no namespace before it"),
            "Istio refuses the Sidecar; here nobody is meant: write `./` or `*/` before the host",
        );
        return None;
    };
    Some(EgressHost {
        namespace: namespace.to_owned(),
        host: host.to_ascii_lowercase(),
        place: field.place(),
    })
}
