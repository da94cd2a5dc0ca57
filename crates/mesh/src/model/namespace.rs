//! Which namespaces have sidecars beside their workloads.

use std::collections::BTreeMap;

use super::workload::Workload;

/// The label that turns injection on, or off, for a whole namespace.
const INJECTION: &str = "istio-injection";

/// The label of a revision, which turns it on as well.
const REVISION: &str = "istio.io/rev";

/// Whether a workload has a sidecar: what its pod says counts, then what its namespace says. Where no file says a
/// word of any namespace's injection, every workload has one, as on a cluster that was made ready for a tutorial.
pub(crate) fn has_sidecar(workload: &Workload, namespaces: &Namespaces) -> bool {
    let of_namespace = namespaces.get(&workload.namespace);
    let label = |name: &str| {
        of_namespace
            .and_then(|labels| labels.get(name))
            .map(String::as_str)
    };
    match label(INJECTION) {
        Some("disabled") => false,
        said => {
            let by_namespace = said == Some("enabled") || label(REVISION).is_some();
            let nobody_says = !namespaces
                .values()
                .any(|labels| labels.contains_key(INJECTION) || labels.contains_key(REVISION));
            workload.injection.unwrap_or(by_namespace || nobody_says)
        }
    }
}

/// The labels of each namespace that a file has.
pub(crate) type Namespaces = BTreeMap<String, BTreeMap<String, String>>;
