//! `selector`, `targetRef` and `targetRefs`: where Istio attaches an object. Here whoever loads the
//! filter has decided that, so they are checked as istiod checks them, and change nothing.

use serde_json::{Map, Value};

use super::super::kind::{FieldKind, Map as MapOf};
use super::super::names::known;
use super::super::problems::{At, Problems};
use super::super::reader::Node;
use super::super::remedy::Scope;

const SELECTOR: &str = "selector";
const TARGET_REF: &str = "targetRef";
const TARGET_REFS: &str = "targetRefs";

/// The fields.
pub(super) const FIELDS: [&str; 3] = [SELECTOR, TARGET_REF, TARGET_REFS];

const NOTHING: &str = "changes nothing here: the filter works wherever it is loaded";

/// As in Istio's CRDs.
const MOST_TARGETS: usize = 16;

/// What a target may be, with the group it belongs to.
const TARGETS: [(&str, &str); 4] = [
    ("", "Service"),
    ("networking.istio.io", "ServiceEntry"),
    ("gateway.networking.k8s.io", "Gateway"),
    ("gateway.networking.k8s.io", "GatewayClass"),
];

crate::fields! {
    /// Istio's WorkloadSelector.
    pub struct SelectorWire as "WorkloadSelector" {
        /// labels of the workloads; none of them, nor of their values, has a wildcard
        match_labels as "matchLabels": MapOf<String> { istio: "same" },
    }
}

crate::fields! {
    /// Istio's PolicyTargetReference.
    pub struct TargetRefWire as "PolicyTargetReference" {
        /// the group of the kind; none for a Service
        group: String { istio: "same" },
        /// `Service`, `ServiceEntry`, `Gateway` or `GatewayClass`
        kind: String { istio: "same" },
        /// must be set
        name: String { istio: "same" },
        /// must not be set: a target is in the object's own namespace
        namespace: String { istio: "same" },
    }
}

/// Checks them in a `spec`.
pub(super) fn check(spec: &Map<String, Value>, at: &At<'_>, problems: &Problems) {
    let mut ways = 0usize;
    for (name, value) in spec {
        let field = known(name, &FIELDS).filter(|_| !value.is_null());
        let Some(field) = field else {
            continue;
        };
        let at = at.field(field);
        let node = Node::new(value, &at, problems);
        match field {
            SELECTOR => selector(node, &at, problems),
            TARGET_REF => target(node, &at, problems),
            _ => {
                let mut count = 0usize;
                node.elements(&mut |node| {
                    count = count.saturating_add(1);
                    target(node, &node.at(), problems);
                });
                if count > MOST_TARGETS {
                    problems.error(&at, format!("has {count} entries; at most {MOST_TARGETS}"));
                }
                if count == 0 {
                    continue;
                }
            }
        }
        ways = ways.saturating_add(1);
    }
    if ways > 1 {
        problems.error(
            at,
            "only one of `selector`, `targetRef` and `targetRefs` can be set",
        );
    }
}

fn selector(node: Node<'_>, at: &At<'_>, problems: &Problems) {
    problems.warn_of(Scope::Filter, at, NOTHING);
    let wire = SelectorWire::read(node);
    let at = at.field("matchLabels");
    for (label, value) in wire.match_labels.into_iter().flatten() {
        if label.is_empty() {
            problems.error(&at, "has an empty key");
        } else if label.contains('*') || value.contains('*') {
            problems.error(
                &at.field(&label),
                format!("`{label}: {value}`: labels take no wildcards"),
            );
        }
    }
}

fn target(node: Node<'_>, at: &At<'_>, problems: &Problems) {
    problems.warn_of(Scope::Filter, at, NOTHING);
    let wire = TargetRefWire::read(node);
    let [group, kind, name, namespace] =
        [wire.group, wire.kind, wire.name, wire.namespace].map(Option::unwrap_or_default);
    if name.is_empty() {
        problems.error(&at.field("name"), "must be set");
    }
    if !namespace.is_empty() {
        problems.error(
            &at.field("namespace"),
            "must not be set: a target is in the object's own namespace",
        );
    }
    // Kubernetes writes the group of its own kinds as nothing or as `core`.
    let core = if group == "core" { "" } else { group.as_str() };
    if !TARGETS.contains(&(core, kind.as_str())) {
        problems.error(
            &at.field("kind"),
            format!(
                "`{group}/{kind}` is none of `/Service`, `networking.istio.io/ServiceEntry`, \
                 `gateway.networking.k8s.io/Gateway`, `gateway.networking.k8s.io/GatewayClass`"
            ),
        );
    }
}
