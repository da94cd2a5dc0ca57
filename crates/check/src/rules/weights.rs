//! Weights that are no percentages.

use super::routes::http;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0215",
    severity: Severity::Warning,
    title: "the weights of a route do not add up to 100",
    text: "Istio takes weights as shares of their sum: 50 and 30 are 62.5 % and 37.5 %. Older versions refused \
           such a route, and whoever reads it takes the numbers for percentages.",
    help: "write weights that add up to 100",
    bad: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews]
  http:
  - route:
    - {destination: {host: reviews}, weight: 50}
    - {destination: {host: others}, weight: 30}
",
    good: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews]
  http:
  - route:
    - {destination: {host: reviews}, weight: 70}
    - {destination: {host: others}, weight: 30}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in mesh.of("VirtualService") {
        for entry in http(item) {
            let routes = entry.list("route");
            let weights = routes
                .iter()
                .filter_map(|route| route.field("weight")?.value().as_u64());
            let weights: Vec<u64> = weights.collect();
            let sum = weights
                .iter()
                .fold(0, |sum: u64, weight| sum.saturating_add(*weight));
            if routes.len() < 2 || weights.is_empty() || sum == 100 {
                continue;
            }
            let message = match sum {
                0 => "every weight is 0: the route leads nowhere, and istiod refuses it".to_owned(),
                sum => format!(
                    "the weights add up to {sum}: each is a share of that, and no percentage"
                ),
            };
            found.at_path(item, &entry.path_of("route"), message);
        }
    }
}
