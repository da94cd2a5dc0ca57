//! `selector` and `targetRefs`: where Istio attaches the policy. Here whoever loads the filter has
//! decided that, so they are checked as istiod checks them, and change nothing.

use sdk_helpers::{At, Problems};

use super::wire::{SelectorWire, TargetWire};

/// What a targetRef may name, with the group it belongs to.
const TARGETS: [(&str, &str); 4] = [
    ("", "Service"),
    ("networking.istio.io", "ServiceEntry"),
    ("gateway.networking.k8s.io", "Gateway"),
    ("gateway.networking.k8s.io", "GatewayClass"),
];

pub(super) fn check(
    selector: Option<SelectorWire>,
    target: Option<TargetWire>,
    targets: Option<Vec<TargetWire>>,
    at: &At<'_>,
    problems: &Problems,
) {
    let targets = targets.unwrap_or_default();
    let several = [selector.is_some(), target.is_some(), !targets.is_empty()];
    if several.iter().filter(|there| **there).count() > 1 {
        problems.error(
            at,
            "only one of `selector`, `targetRef` and `targetRefs` can be set",
        );
    }
    if let Some(selector) = selector {
        check_selector(selector, &at.field("selector"), problems);
    }
    if let Some(target) = target {
        check_target(&target, &at.field("targetRef"), problems);
    }
    let at_targets = at.field("targetRefs");
    for (index, target) in targets.iter().enumerate() {
        check_target(target, &at_targets.index(index), problems);
    }
}

fn check_selector(selector: SelectorWire, at: &At<'_>, problems: &Problems) {
    problems.warn(
        at,
        "changes nothing here: the filter works wherever it is loaded",
    );
    let at = at.field("matchLabels");
    for (label, value) in selector.match_labels.unwrap_or_default() {
        if label.is_empty() {
            problems.error(&at, "an empty label cannot be matched");
        }
        if label.contains('*') || value.contains('*') {
            problems.error(
                &at.field(&label),
                "a wildcard is not supported in a selector; write the label out",
            );
        }
    }
}

fn check_target(target: &TargetWire, at: &At<'_>, problems: &Problems) {
    problems.warn(
        at,
        "changes nothing here: the filter works wherever it is loaded",
    );
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let (group, kind) = (text(&target.group), text(&target.kind));
    if text(&target.name).is_empty() {
        problems.error(&at.field("name"), "is missing");
    }
    if !text(&target.namespace).is_empty() {
        problems.error(
            &at.field("namespace"),
            "cannot be set: a policy reaches no other namespace than its own",
        );
    }
    // Kubernetes writes the group of its own kinds as nothing or as `core`.
    let group = if group == "core" { "" } else { &group };
    if !TARGETS.contains(&(group, &kind)) {
        problems.error(
            &at.field("kind"),
            format!(
                "`{}/{}` is none of `Service`, `networking.istio.io/ServiceEntry`, \
                 `gateway.networking.k8s.io/Gateway`, `gateway.networking.k8s.io/GatewayClass`",
                group.escape_debug(),
                kind.escape_debug()
            ),
        );
    }
}
