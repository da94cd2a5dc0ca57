//! All stages, in istiod's order, over one bootstrap.

use super::patches::Patches;
use super::proxy::Proxy;
use super::resource::{ApplyTo, EnvoyFilter};
use super::{clusters, extensions, fields, json, listeners, routes};
use crate::Error;
use serde_json::Value;
use std::path::Path;

/// A bootstrap after the patches, and what became of them.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// What Envoy is started with; every field in snake_case.
    pub bootstrap: Value,
    /// The patches that changed something, as `namespace/name spec.configPatches[0]`.
    pub applied: Vec<String>,
    /// What istiod would have passed over in silence, and what it warns about. A patch whose
    /// selector, proxy clause or context means another proxy is not worth a note.
    pub notes: Vec<String>,
    /// What `EXTENSION_CONFIG` patches answer to filters with `config_discovery`. Envoy would ask a
    /// control plane for these: call [`Rendered::bind_extensions`] first.
    pub extension_configs: Vec<Value>,
}

impl Rendered {
    /// Puts the extension configurations into files in `directory`, which must outlive Envoy, and
    /// has the filters that ask for them read those.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn bind_extensions(&mut self, directory: &Path) -> Result<(), Error> {
        extensions::bind(&mut self.bootstrap, &self.extension_configs, directory)
    }
}

/// Applies `filters` to `bootstrap` as istiod would for `proxy`.
///
/// # Errors
/// The bootstrap has no `static_resources`, or a filter is attached to what is not rendered here.
pub fn apply(
    mut bootstrap: Value,
    filters: &[EnvoyFilter],
    proxy: &Proxy,
) -> Result<Rendered, Error> {
    fields::snake_case(&mut bootstrap);
    let Some(resources) = json::existing_object(&mut bootstrap, "static_resources") else {
        let problem = "bootstrap: static_resources is missing";
        return Err(Error::Bootstrap(problem.to_string()));
    };
    let filters = proxy.applicable(filters)?;
    let patches = Patches::of(&filters, |patch| proxy.is_meant_by(patch));

    let mut listeners = json::take_list(resources, "listeners");
    // Routes first: Istio's are made apart, so listeners that patches add have none patched.
    routes::patch(&mut listeners, &patches, proxy);
    listeners::patch(&mut listeners, &patches, proxy.context);
    json::set(resources, "listeners", listeners);
    let mut clusters = json::take_list(resources, "clusters");
    clusters::patch(&mut clusters, &patches, proxy);
    json::set(resources, "clusters", clusters);
    let extension_configs = extensions::select(&mut bootstrap, &patches);
    // Last, although Istio starts with it: what it adds is not xDS and no other patch sees it.
    for patch in patches.in_any_context(ApplyTo::Bootstrap) {
        patch.merge_into(&mut bootstrap);
    }

    let mut notes: Vec<String> = filters
        .iter()
        .flat_map(|filter| {
            let id = format!("{}/{}", filter.namespace, filter.name);
            filter
                .warnings
                .iter()
                .map(move |warning| format!("{id} {warning}"))
        })
        .collect();
    notes.extend(patches.notes(proxy.context));
    notes.extend(extensions::unanswered(&mut bootstrap, &extension_configs));
    Ok(Rendered {
        bootstrap,
        applied: patches.applied(),
        notes,
        extension_configs,
    })
}
