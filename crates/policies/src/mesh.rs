//! What a MeshConfig says that changes what policies do.

use serde_json::Value;

use crate::text;

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

impl Mesh {
    /// What all MeshConfigs among these documents say; where they differ, the last one counts.
    #[must_use]
    pub fn of<'a>(documents: impl IntoIterator<Item = &'a Value>) -> Mesh {
        let mut mesh = Mesh::default();
        let configs = documents.into_iter().filter_map(Mesh::config);
        configs.for_each(|config| mesh.take(&config));
        mesh
    }

    /// The MeshConfig that a document is, or has in it: see [`istio::mesh_config`].
    #[must_use]
    pub fn config(document: &Value) -> Option<Value> {
        istio::mesh_config(document).map(|(_, config)| config)
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
