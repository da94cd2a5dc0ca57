//! `selector`, `targetRef` and `targetRefs`: where Istio attaches an object. Here whoever loads the
//! filter has decided that, so they are checked as istiod checks them, and change nothing.

use super::super::names::place;
use super::super::problems::{At, Problems};
use super::super::reader::Node;
use serde_json::{Map, Value};

/// The fields.
pub(super) const FIELDS: [&str; 3] = ["selector", "targetRef", "targetRefs"];

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

/// Checks them in a `spec`.
pub(super) fn check(spec: &Map<String, Value>, at: &At<'_>, problems: &Problems) {
    let mut ways = 0usize;
    for (name, value) in spec {
        let field = place(name, &FIELDS).filter(|_| !value.is_null());
        let Some(field) = field else {
            continue;
        };
        let at = at.field(FIELDS.get(field).unwrap_or(&""));
        let node = Node::new(value, &at, problems);
        match field {
            0 => selector(node, &at, problems),
            1 => target(node, &at, problems),
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
    problems.warn(at, NOTHING);
    node.fields(&["matchLabels"], &mut |_, node| {
        let labels = node.at();
        node.entries(&mut |label, node| {
            let value = node.text();
            if label.is_empty() {
                problems.error(&labels, "has an empty key");
            } else if label.contains('*') || value.contains('*') {
                problems.error(
                    &node.at(),
                    format!("`{label}: {value}`: labels take no wildcards"),
                );
            }
        });
    });
}

fn target(node: Node<'_>, at: &At<'_>, problems: &Problems) {
    problems.warn(at, NOTHING);
    let known = ["group", "kind", "name", "namespace"];
    let mut texts = known.map(|_| String::new());
    node.fields(&known, &mut |place, node| {
        if let Some(text) = texts.get_mut(place) {
            *text = node.text();
        }
    });
    let [group, kind, name, namespace] = texts;
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
