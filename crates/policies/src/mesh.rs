//! What a MeshConfig says that changes what policies do.

use istio::Object;
use serde_json::Value;

use crate::{at, text};

/// What is said of the mesh.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mesh {
    /// `trustDomain`.
    pub trust_domain: Option<String>,
    /// `trustDomainAliases`.
    pub trust_domain_aliases: Vec<String>,
    /// `pathNormalization.normalization`: `BASE` and the like.
    pub path_normalization: Option<String>,
    /// `rootNamespace`; see [`Mesh::root`].
    pub root_namespace: Option<String>,
    /// Those of `extensionProviders` that policies may ask.
    pub providers: Vec<Value>,
}

/// Where policies for all namespaces are, if no MeshConfig says another.
const ROOT_NAMESPACE: &str = "istio-system";

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

impl Mesh {
    /// What all MeshConfigs among these documents say; where they differ, the last one counts.
    #[must_use]
    pub fn of<'a>(documents: impl IntoIterator<Item = &'a Value>) -> Mesh {
        let mut mesh = Mesh::default();
        let configs = documents.into_iter().filter_map(Mesh::config);
        configs.for_each(|config| mesh.take(&config));
        mesh
    }

    /// The MeshConfig that a document is, or has in it: by itself, in an IstioOperator, or, as text, in a
    /// ConfigMap.
    #[must_use]
    pub fn config(document: &Value) -> Option<Value> {
        let read = |text: &str| Some(Object::read_all(text).ok()?.pop()?.value().clone());
        match text(document, &["kind"]) {
            Some("IstioOperator") => at(document, &["spec", "meshConfig"]).cloned(),
            Some("ConfigMap") => read(text(document, &["data", "mesh"])?),
            Some("MeshConfig") => Some(document.get("spec").unwrap_or(document).clone()),
            Some(_) => None,
            None => {
                let named = FIELDS.iter().any(|field| document.get(field).is_some());
                (named && document.get("policies").is_none()).then(|| document.clone())
            }
        }
    }

    /// The root namespace.
    #[must_use]
    pub fn root(&self) -> &str {
        self.root_namespace.as_deref().unwrap_or(ROOT_NAMESPACE)
    }

    /// Takes over what a MeshConfig says; the last one counts.
    pub(crate) fn take(&mut self, config: &Value) {
        let said = |path: &[&str]| text(config, path).map(str::to_owned);
        self.trust_domain = said(&["trustDomain"]).or(self.trust_domain.take());
        self.root_namespace = said(&["rootNamespace"]).or(self.root_namespace.take());
        let normalization = said(&["pathNormalization", "normalization"]);
        self.path_normalization = normalization.or(self.path_normalization.take());
        if let Some(Value::Array(aliases)) = config.get("trustDomainAliases") {
            let aliases = aliases.iter().filter_map(Value::as_str);
            self.trust_domain_aliases = aliases.map(str::to_owned).collect();
        }
        if let Some(Value::Array(providers)) = config.get("extensionProviders") {
            let asked = |one: &&Value| {
                one.get("envoyExtAuthzHttp").is_some() || one.get("envoyExtAuthzGrpc").is_some()
            };
            self.providers = providers.iter().filter(asked).cloned().collect();
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
        for document in [
            config.clone(),
            json!({"kind": "MeshConfig", "spec": config}),
            json!({"kind": "IstioOperator", "spec": {"meshConfig": config}}),
            json!({"kind": "ConfigMap", "data": {"mesh": "{\"trustDomain\": \"a\"}"}}),
        ] {
            assert_eq!(Mesh::config(&document), Some(config.clone()), "{document}");
        }
        for document in [
            json!({"trustDomain": "a", "policies": []}),
            json!({"kind": "ConfigMap", "data": {}}),
            json!({"kind": "Pod", "trustDomain": "a"}),
            json!(1),
        ] {
            assert_eq!(Mesh::config(&document), None, "{document}");
        }
    }
}
