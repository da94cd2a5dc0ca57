//! PeerAuthentications: whether a workload takes plaintext.

use std::collections::BTreeMap;

use crate::field::Field;
use crate::model::workload::Workload;
use crate::model::{name_of, namespace_of};

/// A PeerAuthentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerAuthentication {
    /// Its name.
    pub name: String,
    /// Whose it is; the root namespace's is the whole mesh's.
    pub namespace: String,
    /// The workloads that it is for; all of the namespace where there are none.
    pub selector: BTreeMap<String, String>,
    /// None leaves it to whatever is above: the namespace's, the mesh's, PERMISSIVE.
    pub mode: Option<Mode>,
    /// For single ports of the container.
    pub ports: BTreeMap<u16, Mode>,
}

/// What a workload takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Plaintext alone.
    Disable,
    /// Both.
    #[default]
    Permissive,
    /// Mutual TLS alone.
    Strict,
}

impl Mode {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "DISABLE" => Some(Mode::Disable),
            "PERMISSIVE" => Some(Mode::Permissive),
            "STRICT" => Some(Mode::Strict),
            _ => None,
        }
    }
}

/// What a workload takes at a port of its container: what is said for the port, else for the workload, else for its
/// namespace, else for the mesh.
/// <https://istio.io/latest/docs/reference/config/security/peer_authentication/>
#[must_use]
pub(crate) fn mode(
    all: &[PeerAuthentication],
    workload: &Workload,
    port: u16,
    root_namespace: &str,
) -> Mode {
    let own = all
        .iter()
        .find(|one| workload.is_selected(&one.namespace, &one.selector));
    let whole = |namespace: &str| {
        let mut whole = all.iter().filter(|one| one.selector.is_empty());
        whole
            .find(|one| one.namespace == namespace)
            .and_then(|one| one.mode)
    };
    let at_port = own.and_then(|own| own.ports.get(&port).copied());
    at_port
        .or_else(|| own.and_then(|own| own.mode))
        .or_else(|| whole(&workload.namespace))
        .or_else(|| whole(root_namespace))
        .unwrap_or_default()
}

/// Reads a `PeerAuthentication`.
pub(crate) fn read(root: &Field<'_>) -> Option<PeerAuthentication> {
    let spec = root.get("spec");
    let selector = spec
        .as_ref()
        .and_then(|spec| spec.at(&["selector", "matchLabels"]));
    let mode_of = |field: &Field<'_>| field.word("mode").and_then(Mode::parse);
    let ports = spec.as_ref().and_then(|spec| spec.get("portLevelMtls"));
    let selector = selector.map(|labels| labels.texts()).unwrap_or_default();
    if let (Some(ports), true) = (&ports, selector.is_empty()) {
        ports.say(
            "modes for ports, and no selector",
            "ports are those of a workload: without a selector Istio passes over them",
        );
    }
    let ports = ports.map(|ports| {
        let fields = ports.fields().into_iter();
        fields
            .filter_map(|(port, field)| Some((port.parse().ok()?, mode_of(&field)?)))
            .collect()
    });
    let mtls = spec.as_ref().and_then(|spec| spec.get("mtls"));
    Some(PeerAuthentication {
        name: name_of(root)?,
        namespace: namespace_of(root),
        selector,
        mode: mtls.and_then(|mtls| mode_of(&mtls)),
        ports: ports.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use documents::Document;

    #[test]
    fn the_nearest_word_counts() {
        let text = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web, ports: [{containerPort: 80}, {containerPort: 81}]}]}
---
kind: PeerAuthentication
metadata: {name: mesh, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
---
kind: PeerAuthentication
metadata: {name: own, namespace: shop}
spec: {selector: {matchLabels: {app: web}}, portLevelMtls: {81: {mode: DISABLE}}}
---
kind: PeerAuthentication
metadata: {name: others, namespace: other}
spec: {mtls: {mode: PERMISSIVE}}
";
        let documents = Document::read_text("a.yaml", text).unwrap();
        let (model, said) = Model::read(&documents);
        assert_eq!(said, []);
        let web = &model.workloads[0];
        let mode = |port| model.mode(web, port);
        assert_eq!([mode(80), mode(81)], [Mode::Strict, Mode::Disable]);
        let none = Model {
            peer_authentications: Vec::new(),
            ..model.clone()
        };
        assert_eq!(none.mode(web, 80), Mode::Permissive);
    }
}
