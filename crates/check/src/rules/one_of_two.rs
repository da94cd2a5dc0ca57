//! Objects of which a namespace can have one.

use std::collections::BTreeMap;

use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use crate::source::Item;

pub(super) const RULE: Rule = Rule {
    code: "MF0232",
    severity: Severity::Warning,
    title: "two objects are for a whole namespace, and one of them counts",
    text: "A PeerAuthentication or a Sidecar without a selector is for all workloads of its namespace. istiod takes \
           the oldest of them and passes the others over. Which that is, files do not say: where one is created \
           anew, another one counts.",
    help: "put both into one object, or give one of them a selector",
    bad: "
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: migration, namespace: shop}
spec: {mtls: {mode: PERMISSIVE}}
",
    good: "
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: migration, namespace: shop}
spec:
  selector: {matchLabels: {app: old}}
  mtls: {mode: PERMISSIVE}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for kind in ["PeerAuthentication", "Sidecar"] {
        let mut first: BTreeMap<&str, &Item<'_>> = BTreeMap::new();
        for item in mesh.of(kind).filter(|item| is_for_all(item)) {
            let other = *first.entry(item.namespace()).or_insert(item);
            // The same object twice is one that is applied twice.
            if other.name() != item.name() {
                let (name, namespace) =
                    (other.name().escape_debug(), item.namespace().escape_debug());
                let message = format!(
                    "`{name}` is for the whole namespace `{namespace}` too: the older of the two counts, and the other does nothing"
                );
                found.at_path(item, &item.path("metadata.name"), message);
            }
        }
    }
}

fn is_for_all(item: &Item<'_>) -> bool {
    let spec = item.spec();
    let selects = |name: &str| spec.as_ref().and_then(|spec| spec.field(name));
    match item.kind() {
        // A selector of no label is one, of which istiod warns.
        "Sidecar" => selects("workloadSelector").is_none(),
        _ => {
            let labels = selects("selector").and_then(|selector| selector.field("matchLabels"));
            labels.is_none_or(|labels| labels.fields().is_empty())
        }
    }
}
