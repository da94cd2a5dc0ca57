//! DestinationRules of which a part does not count.

use std::collections::BTreeSet;

use super::routes::full;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use crate::source::Item;
use crate::spot::Spot;

pub(super) const RULE: Rule = Rule {
    code: "MF0234",
    severity: Severity::Warning,
    title: "two DestinationRules of a host say the same thing, and one of them counts",
    text: "istiod puts DestinationRules of one host and namespace together, the oldest first: of the younger ones \
           it takes subsets that are new, and a traffic policy where there was none. The rest of them does \
           nothing.",
    help: "write one DestinationRule for the host",
    bad: "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec:
  host: reviews
  trafficPolicy: {loadBalancer: {simple: RANDOM}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews-tls, namespace: shop}
spec:
  host: reviews.shop.svc.cluster.local
  trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}
",
    good: "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec:
  host: reviews
  trafficPolicy: {loadBalancer: {simple: RANDOM}, tls: {mode: ISTIO_MUTUAL}}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    let mut before: Vec<&Item<'_>> = Vec::new();
    for item in mesh.of("DestinationRule") {
        let Some(spec) = item.spec() else {
            continue;
        };
        let others: Vec<&Item<'_>> = before
            .iter()
            .copied()
            .filter(|other| are_merged(other, item))
            .collect();
        let named = |other: &Item<'_>| other.name().escape_debug().to_string();
        for other in &others {
            let policy = spec.field("trafficPolicy");
            let theirs = other.spec().and_then(|spec| spec.field("trafficPolicy"));
            if let Some(policy) = policy.filter(|_| theirs.is_some()) {
                let message = format!(
                    "`{}` has a traffic policy for this host too: the one of the older object counts, and nothing of the other",
                    named(other)
                );
                found.at(item, &policy, message);
            }
            let subsets = other
                .spec()
                .map(|spec| spec.list("subsets"))
                .unwrap_or_default();
            let names: BTreeSet<&str> = subsets.iter().map(|subset| subset.text("name")).collect();
            for subset in spec.list("subsets") {
                if names.contains(subset.text("name")) {
                    let message = format!(
                        "`{}` has a subset `{}` of this host too: the one of the older object counts",
                        named(other),
                        subset.text("name").escape_debug()
                    );
                    found.at(item, &subset, message);
                }
            }
        }
        before.push(item);
    }
}

/// Whether istiod puts them together: of one host, shown to the same namespaces, for the same clients.
fn are_merged(one: &Item<'_>, other: &Item<'_>) -> bool {
    let is_same = one.name() == other.name();
    let (Some(mine), Some(yours)) = (one.spec(), other.spec()) else {
        return false;
    };
    let exports = |spec: &Spot<'_>| -> BTreeSet<String> {
        spec.texts("exportTo")
            .into_iter()
            .map(str::to_owned)
            .collect()
    };
    let selector = |spec: &Spot<'_>| spec.field("workloadSelector").map(|it| it.value().clone());
    // One without a host is refused, and that is told.
    !is_same
        && !mine.text("host").is_empty()
        && one.namespace() == other.namespace()
        && full(mine.text("host"), one.namespace()) == full(yours.text("host"), other.namespace())
        && exports(&mine) == exports(&yours)
        && selector(&mine) == selector(&yours)
}
