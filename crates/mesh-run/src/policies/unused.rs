//! Policies that are for nobody: said, since nothing else would show it.

use std::collections::BTreeSet;

use documents::{Document, Spot};
use mesh::Said;
use serde_json::Value;

use super::{patches, security};

/// What tells objects apart: `AuthorizationPolicy default/viewer`.
pub(super) fn key(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let namespace = text("/metadata/namespace").filter(|name| !name.is_empty());
    format!(
        "{} {}/{}",
        text("/kind").unwrap_or_default(),
        namespace.unwrap_or("default"),
        text("/metadata/name").unwrap_or_default(),
    )
}

/// Says which policies are for no proxy, and which kinds nothing here carries out.
pub(super) fn say(documents: &[Document], used: &BTreeSet<String>, said: &mut BTreeSet<Said>) {
    for document in documents {
        let object = document.object();
        let name = key(object.value());
        let mut kinds = security::KINDS.iter().chain(&patches::KINDS);
        if kinds.any(|kind| *kind == object.kind()) && !used.contains(&name) {
            let at = [
                "spec.selector",
                "spec.workloadSelector",
                "spec.targetRefs",
                "spec.targetRef",
            ];
            let at = at.iter().find(|path| {
                let pointer = format!("/{}", path.replace('.', "/"));
                object.value().pointer(&pointer).is_some()
            });
            said.insert(Said {
                place: document.place(at.unwrap_or(&"metadata.namespace")),
                what: format!("{name} selects no sidecar and no gateway of this mesh"),
                consequence: "it does nothing".to_owned(),
            });
        }
        if object.kind() == "VirtualService" {
            of_claims(document, said);
        }
        if object.api_version().starts_with("config.istio.io/") {
            said.insert(Said {
                place: document.place("kind"),
                what: format!("{name} is of Mixer, which is gone from Istio since 1.8"),
                consequence:
                    "nothing enforces it; `mesh-filters convert` makes a rate limit of a quota"
                        .to_owned(),
            });
        }
    }
}

/// Says where routes ask for claims of tokens: Envoy's own filter would tell them.
fn of_claims(document: &Document, said: &mut BTreeSet<Said>) {
    Spot::root(document.object().value()).walk(&mut |spot| {
        let is_list = [".headers", ".withoutHeaders"].iter().any(|end| spot.path().ends_with(end));
        let fields = spot.fields().into_iter().filter(|_| is_list);
        for (name, field) in fields.filter(|(name, _)| name.starts_with("@request.auth.claims")) {
            said.insert(Said {
                place: document.place(field.path()),
                what: format!("a route by the claim `{}`", name.escape_debug()),
                consequence: "no request has it here: the module that verifies tokens tells claims to policies and not to \
                              routes; `outputClaimToHeaders` of a RequestAuthentication makes a header of one, which a \
                              route can match"
                    .to_owned(),
            });
        }
    });
}
