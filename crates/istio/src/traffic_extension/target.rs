//! `selector`, `targetRef` and `targetRefs`, with what istiod says about them.

use super::fields::Fields;
use crate::resource::TargetRef;
use sdk_helpers::config::{At, Problems};
use serde_json::Value;
use std::collections::BTreeMap;

const MOST_TARGETS: usize = 16;
/// Of label values, as in Kubernetes.
const LONGEST_LABEL: usize = 63;
/// What a target may be: its group, empty for Kubernetes' own, and its kind.
const TARGETS: [(&str, &str); 4] = [
    ("", "Service"),
    ("networking.istio.io", "ServiceEntry"),
    ("gateway.networking.k8s.io", "Gateway"),
    ("gateway.networking.k8s.io", "GatewayClass"),
];

/// The labels, if it is by them that workloads are selected, and the targets.
pub(super) fn read(
    spec: &Fields<'_>,
    problems: &Problems,
) -> (Option<BTreeMap<String, String>>, Vec<TargetRef>) {
    let selector = selector(spec, problems);
    let mut targets = Vec::new();
    let listed = spec.list("targetRefs");
    if listed.len() > MOST_TARGETS {
        let problem = format!("has {} entries; at most {MOST_TARGETS}", listed.len());
        spec.error("targetRefs", problem);
    }
    let one = spec.get("targetRef");
    let ways = [selector.is_some(), one.is_some(), !listed.is_empty()];
    if ways.into_iter().filter(|way| *way).count() > 1 {
        let place = ["selector", "targetRef", "targetRefs"];
        let place = place.into_iter().rfind(|name| spec.get(name).is_some());
        let problem = "only one of targetRefs or workloadSelector can be set";
        spec.error(place.unwrap_or_default(), problem);
    }
    for (path, entry) in &listed {
        targets.push(target(entry, path, problems));
    }
    if let Some(entry) = one {
        let read = target(entry, &spec.path("targetRef"), problems);
        if listed.is_empty() {
            targets.push(read);
        }
    }
    (selector, targets)
}

fn selector(spec: &Fields<'_>, problems: &Problems) -> Option<BTreeMap<String, String>> {
    let selector = spec.fields("selector", &["matchLabels"])?;
    let mut labels = BTreeMap::new();
    let written = selector.get("matchLabels");
    if written.is_some_and(|value| !value.is_object()) {
        selector.error("matchLabels", "a mapping is expected here");
    }
    let path = selector.path("matchLabels");
    for (key, value) in written.and_then(Value::as_object).into_iter().flatten() {
        let at = At::written(&path);
        let at = at.field(key);
        let Some(value) = value.as_str() else {
            problems.error(&at, format!("write the value in quotes: `\"{value}\"`"));
            continue;
        };
        let pair = format!("{key}={value}");
        if key.is_empty() {
            let problem = format!("empty key is not supported in selector: {pair:?}");
            problems.error(&at, problem);
        }
        if pair.contains('*') {
            let problem = format!("wildcard is not supported in selector: {pair:?}");
            problems.error(&at, problem);
        }
        if value.len() > LONGEST_LABEL {
            problems.error(&at, format!("more than {LONGEST_LABEL} characters"));
        }
        labels.insert(key.clone(), value.to_owned());
    }
    if labels.is_empty() {
        spec.warn("selector", "workload selector specified without labels");
    }
    Some(labels)
}

fn target(entry: &Value, path: &str, problems: &Problems) -> TargetRef {
    let known = ["group", "kind", "name", "namespace"];
    let fields = Fields::of(entry, path, &known, problems);
    let [group, kind, name, namespace] = known.map(|field| fields.text(field));
    if name.is_empty() {
        fields.error("name", "targetRef name must be set");
    }
    if !namespace.is_empty() {
        fields.error(
            "namespace",
            "targetRef namespace must not be set; cross namespace referencing is not supported",
        );
    }
    // Kubernetes' own group may be written out.
    let group = if group == "core" { "" } else { group };
    if !TARGETS.contains(&(group, kind)) {
        let problem = format!(
            "targetRef must be to one of [core/Service networking.istio.io/ServiceEntry \
             gateway.networking.k8s.io/Gateway gateway.networking.k8s.io/GatewayClass] but was \
             {group}/{kind}"
        );
        fields.error("kind", problem);
    }
    TargetRef {
        group: group.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
    }
}
