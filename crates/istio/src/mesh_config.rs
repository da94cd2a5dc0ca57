//! Where a MeshConfig stands.

use serde_json::Value;

use crate::Object;

/// Fields by which a MeshConfig is known that does not say what it is.
const FIELDS: [&str; 14] = [
    "trustDomain",
    "trustDomainAliases",
    "pathNormalization",
    "rootNamespace",
    "extensionProviders",
    "defaultConfig",
    "defaultProviders",
    "accessLogFile",
    "accessLogEncoding",
    "enableTracing",
    "enableAutoMtls",
    "meshMTLS",
    "outboundTrafficPolicy",
    "discoverySelectors",
];

/// The MeshConfig that a document is, or has in it, and the path of it there, empty for the whole document: by
/// itself, in an IstioOperator, or, as text, in a ConfigMap.
#[must_use]
pub fn mesh_config(document: &Value) -> Option<(&'static str, Value)> {
    let at = |path: &str| document.pointer(path);
    let read = |text: &str| Some(Object::read_all(text).ok()?.pop()?.value().clone());
    match at("/kind").and_then(Value::as_str) {
        Some("IstioOperator") => Some(("spec.meshConfig", at("/spec/meshConfig")?.clone())),
        Some("ConfigMap") => Some(("data.mesh", read(at("/data/mesh")?.as_str()?)?)),
        Some("MeshConfig") => Some(match at("/spec") {
            Some(spec) => ("spec", spec.clone()),
            None => ("", document.clone()),
        }),
        Some(_) => None,
        None => {
            let named = FIELDS.iter().any(|field| document.get(field).is_some());
            (named && document.get("policies").is_none()).then(|| ("", document.clone()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_mesh_config_is_found_wherever_it_stands() {
        let config = json!({"trustDomain": "a"});
        for (document, path) in [
            (config.clone(), ""),
            (json!({"kind": "MeshConfig", "spec": config}), "spec"),
            (
                json!({"kind": "IstioOperator", "spec": {"meshConfig": config}}),
                "spec.meshConfig",
            ),
            (
                json!({"kind": "ConfigMap", "data": {"mesh": "{\"trustDomain\": \"a\"}"}}),
                "data.mesh",
            ),
        ] {
            let found = mesh_config(&document);
            assert_eq!(found, Some((path, config.clone())), "{document}");
        }
        for document in [
            json!({"trustDomain": "a", "policies": []}),
            json!({"kind": "ConfigMap", "data": {}}),
            json!({"kind": "Pod", "trustDomain": "a"}),
            json!(1),
        ] {
            assert_eq!(mesh_config(&document), None, "{document}");
        }
    }
}
