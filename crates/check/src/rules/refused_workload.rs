//! WorkloadEntries, WorkloadGroups and ProxyConfigs that are refused.

use super::validated;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0116",
    severity: Severity::Error,
    title: "a WorkloadEntry, WorkloadGroup or ProxyConfig is refused",
    text: "istiod's webhook or the API server refuses the object: a workload outside of Kubernetes is not known to \
           the mesh, or a proxy starts as it did before.",
    help: "mend the field; until then the object cannot be applied",
    bad: "
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: till-1, namespace: shop}
spec:
  labels: {app: till}
  ports: {http: 8080}
",
    good: "
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: till-1, namespace: shop}
spec:
  address: 192.0.2.7
  labels: {app: till}
  ports: {http: 8080}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for kind in ["WorkloadEntry", "WorkloadGroup", "ProxyConfig"] {
        validated::refusals(mesh, kind, found);
    }
}
