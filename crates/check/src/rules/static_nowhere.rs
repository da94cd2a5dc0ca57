//! Hosts with fixed addresses that have none.

use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0238",
    severity: Severity::Warning,
    title: "a ServiceEntry with fixed addresses has none",
    text: "With resolution STATIC a host is reached at its `endpoints`, or at the workloads that `workloadSelector` \
           selects. istiod takes a ServiceEntry that has neither, and requests to the host are answered with 503 \
           (response flag UH). `addresses` are what clients connect to, not where they are sent.",
    help: "add `endpoints`, or write `resolution: DNS`, which looks the host up",
    bad: "
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: bank, namespace: shop}
spec:
  hosts: [api.bank.example]
  addresses: [192.0.2.7]
  ports: [{number: 443, name: tls, protocol: TLS}]
  resolution: STATIC
",
    good: "
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: bank, namespace: shop}
spec:
  hosts: [api.bank.example]
  addresses: [192.0.2.7]
  ports: [{number: 443, name: tls, protocol: TLS}]
  resolution: STATIC
  endpoints: [{address: 192.0.2.7}]
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in mesh.of("ServiceEntry") {
        let Some(spec) = item.spec() else {
            continue;
        };
        let has_none =
            spec.list("endpoints").is_empty() && spec.field("workloadSelector").is_none();
        if let Some(resolution) = spec
            .field("resolution")
            .filter(|it| has_none && it.value() == "STATIC")
        {
            let message = "has neither `endpoints` nor a `workloadSelector`: requests to the host are answered with 503";
            found.at(item, &resolution, message);
        }
    }
}
