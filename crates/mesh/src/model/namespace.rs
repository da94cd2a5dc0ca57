//! Which workloads have a sidecar beside them.
//! <https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/>

use std::collections::{BTreeMap, BTreeSet};

use super::workload::Workload;
use crate::field::Field;
use crate::model::{Model, name_of};
use crate::said::Said;

/// The label that turns injection on, or off, for a whole namespace.
const INJECTION: &str = "istio-injection";

/// The label of a revision, which turns it on as well, of a namespace or of a pod.
pub(crate) const REVISION: &str = "istio.io/rev";

/// Where nobody injects anything unless the namespace says so: what a cluster runs for itself.
const SYSTEM: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

/// A Namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Namespace {
    word: Option<Word>,
    place: String,
}

/// What a namespace says of its pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// They have sidecars, but for those that say otherwise.
    Enabled,
    /// None has one, whatever it says.
    Disabled,
}

/// Those that a file has, by their names.
pub(crate) type Namespaces = BTreeMap<String, Namespace>;

/// Reads a `Namespace`.
pub(crate) fn read(root: &Field<'_>) -> Option<(String, Namespace)> {
    let labels = root.at(&["metadata", "labels"]);
    let labels = labels.map(|labels| labels.texts()).unwrap_or_default();
    let word = match labels.get(INJECTION).map(String::as_str) {
        Some("enabled") => Some(Word::Enabled),
        Some("disabled") => Some(Word::Disabled),
        _ => labels.get(REVISION).map(|_| Word::Enabled),
    };
    let place = root.place();
    Some((name_of(root)?, Namespace { word, place }))
}

impl Model {
    /// Whether a sidecar stands beside a workload: its namespace may forbid it, then its pod's word counts, then its
    /// namespace's. A namespace that no file has is as if it were labelled, since tutorials do that by hand; one that a
    /// file has and that says nothing has no sidecars, as in a cluster.
    #[must_use]
    pub fn has_sidecar(&self, workload: &Workload) -> bool {
        let of_namespace = self.namespaces.get(&workload.namespace);
        let word = match of_namespace {
            Some(namespace) => namespace.word,
            None => self
                .labelled_by_hand(&workload.namespace)
                .then_some(Word::Enabled),
        };
        let may =
            word != Some(Word::Disabled) && !workload.host_network && !self.is_gateway(workload);
        may && workload.injection.unwrap_or(word == Some(Word::Enabled))
    }

    /// Whether a workload is a gateway itself: one that a Gateway selects, or that has Istio's template for one.
    #[must_use]
    pub fn is_gateway(&self, workload: &Workload) -> bool {
        let selects = |selector| workload.is_selected(&workload.namespace, selector);
        let mut gateways = self.gateways.iter();
        workload.has_gateway_template || gateways.any(|gateway| selects(&gateway.selector))
    }

    fn labelled_by_hand(&self, namespace: &str) -> bool {
        namespace != self.root_namespace && !SYSTEM.contains(&namespace)
    }

    /// What a reader might not expect of who has a sidecar.
    pub(crate) fn injection_said(&self) -> Vec<Said> {
        let mut said = Vec::new();
        let mut told = BTreeSet::new();
        let somebody_says = self.namespaces.values().any(|one| one.word.is_some());
        for workload in &self.workloads {
            let name = &workload.namespace;
            if workload.host_network && workload.injection == Some(true) {
                said.push(Said {
                    place: workload.place.clone(),
                    what: format!(
                        "{} asks for a sidecar and has the host's network",
                        workload.name
                    ),
                    consequence: "it has none, as in Istio".to_owned(),
                });
            }
            // What the pod says itself is no news of its namespace.
            if workload.injection.is_some() || self.is_gateway(workload) || told.contains(name) {
                continue;
            }
            let (place, what, consequence) = match self.namespaces.get(name) {
                Some(namespace) if namespace.word.is_none() => (
                    &namespace.place,
                    format!("namespace {name} has no label {INJECTION}"),
                    "its workloads have no sidecars, as in a cluster; the label `istio-injection: enabled` gives them some",
                ),
                None if somebody_says && self.labelled_by_hand(name) => (
                    &workload.place,
                    format!("no file has namespace {name}"),
                    "its workloads have sidecars, as if it had the label `istio-injection: enabled`",
                ),
                _ => continue,
            };
            told.insert(name);
            said.push(Said {
                place: place.clone(),
                what,
                consequence: consequence.to_owned(),
            });
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use documents::Document;

    fn namespace(labels: &str) -> String {
        format!("kind: Namespace\nmetadata: {{name: shop, labels: {{{labels}}}}}\n---\n")
    }

    fn pod(metadata: &str, spec: &str) -> String {
        format!(
            "kind: Pod\nmetadata: {{name: a, namespace: shop, {metadata}}}\nspec: {{{spec} containers: []}}\n---\n"
        )
    }

    fn read(text: &str) -> (bool, Vec<String>) {
        let (model, said) = Model::read(&Document::read_text("a.yaml", text).unwrap());
        let said = said.iter().map(ToString::to_string).collect();
        (model.has_sidecar(&model.workloads[0]), said)
    }

    #[test]
    fn the_namespace_forbids_the_pod_says_the_namespace_says() {
        let (yes, no) = (
            "labels: {sidecar.istio.io/inject: 'true'}",
            "labels: {sidecar.istio.io/inject: 'false'}",
        );
        let older = |word: &str| format!("annotations: {{sidecar.istio.io/inject: '{word}'}}");
        let (older_yes, older_no) = (older("true"), older("false"));
        let revision = "labels: {istio.io/rev: canary}";
        for (labels, metadata, expected) in [
            (Some("istio-injection: enabled"), "", true),
            (Some("istio-injection: enabled"), no, false),
            (Some("istio-injection: enabled"), &older_no, false),
            (Some("istio-injection: disabled"), yes, false),
            (
                Some("istio-injection: disabled, istio.io/rev: a"),
                "",
                false,
            ),
            (Some("istio.io/rev: a"), "", true),
            (Some("istio.io/rev: a"), no, false),
            (Some(""), "", false),
            (Some(""), yes, true),
            (Some(""), revision, true),
            (Some(""), &older_yes, false),
            (None, "", true),
            (None, no, false),
        ] {
            let text = labels.map(namespace).unwrap_or_default() + &pod(metadata, "");
            assert_eq!(read(&text).0, expected, "{labels:?} {metadata}");
        }
        let host = pod(yes, "hostNetwork: true,");
        let (has, said) = read(&host);
        assert!(!has);
        assert_eq!(
            said,
            [
                "a.yaml:1:1: a asks for a sidecar and has the host's network: it has none, as in Istio"
            ]
        );
    }

    #[test]
    fn what_a_cluster_runs_for_itself_has_none() {
        for of in ["kube-system", "istio-system"] {
            let text = pod("", "").replace("shop", of);
            assert!(!read(&text).0, "{of}");
        }
        let template = pod("annotations: {inject.istio.io/templates: gateway}", "");
        assert!(!read(&template).0);
    }

    #[test]
    fn what_a_namespace_leaves_open_is_said_once() {
        let pods = pod("", "") + &pod("", "").replace("name: a", "name: b");
        assert_eq!(read(&pods).1, [""; 0]);
        let (_, said) = read(&(namespace("") + &pods));
        assert_eq!(
            said,
            [
                "a.yaml:1:1: namespace shop has no label istio-injection: its workloads have no sidecars, as in a \
              cluster; the label `istio-injection: enabled` gives them some"
            ]
        );
        let other = namespace("istio-injection: enabled").replace("shop", "other");
        let (has, said) = read(&(other + &pods));
        assert!(has);
        assert_eq!(
            said,
            [
                "a.yaml:4:1: no file has namespace shop: its workloads have sidecars, as if it had the label \
              `istio-injection: enabled`"
            ]
        );
    }

    #[test]
    fn annotations_that_change_what_a_sidecar_takes_are_said() {
        let text = pod(
            "annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: '80', prometheus.io/port: '1'}",
            "",
        );
        let said = read(&text).1;
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with("a.yaml:2:"), "{said:?}");
        assert!(
            said[0].contains("traffic.sidecar.istio.io/excludeOutboundPorts is not carried over")
        );
    }
}
