//! The resource as written. Stricter than istiod in one way: a field the resource does not have is
//! refused, because it is a typo.

use super::check::Checked;
use super::clause::{ClusterMatch, ListenerMatch, RouteConfigurationMatch};
use super::resource::{EnvoyFilter, PatchContext, TargetRef};
use crate::{Error, Object};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::collections::BTreeMap;

const KIND: &str = "EnvoyFilter";
const API_VERSION: &str = "networking.istio.io/v1alpha3";
const MOST_TARGET_REFS: usize = 16;

pub(super) fn read(yaml: &str) -> Result<Vec<EnvoyFilter>, Error> {
    let resources: Vec<Resource> = serde_saphyr::from_multiple(yaml)?;
    resources.into_iter().map(Resource::check).collect()
}

pub(super) fn of(object: &Object) -> Result<EnvoyFilter, Error> {
    let read: Result<Resource, _> = serde_path_to_error::deserialize(object.value());
    let resource = read.map_err(|error| {
        let at = error.path().to_string();
        // So it calls the whole.
        let at = if at == "." { "" } else { &at };
        let name = [object.namespace(), object.name()].join("/");
        Error::resource(&name, at, error.inner().to_string())
    })?;
    resource.check()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Resource {
    api_version: String,
    kind: String,
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default, rename = "status")]
    _status: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    namespace: Option<String>,
    #[serde(default)]
    creation_timestamp: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Spec {
    workload_selector: Option<Selector>,
    target_refs: Vec<TargetRef>,
    priority: i32,
    config_patches: Vec<Option<ConfigPatch>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Selector {
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ConfigPatch {
    pub(super) apply_to: Option<String>,
    pub(super) r#match: Option<Match>,
    pub(super) patch: Option<Change>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Match {
    pub(super) context: PatchContext,
    pub(super) proxy: Option<Proxy>,
    pub(super) listener: Option<ListenerMatch>,
    pub(super) route_configuration: Option<RouteConfigurationMatch>,
    pub(super) cluster: Option<ClusterMatch>,
    pub(super) waypoint: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Proxy {
    pub(super) proxy_version: String,
    pub(super) metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Change {
    pub(super) operation: Option<String>,
    pub(super) value: Option<Value>,
    pub(super) filter_class: Option<IgnoredAny>,
}

impl Resource {
    fn check(self) -> Result<EnvoyFilter, Error> {
        let namespace = self.metadata.namespace.unwrap_or_else(|| "default".into());
        let id = format!("{namespace}/{}", self.metadata.name);
        let error = |at: &str, problem: String| Err(Error::resource(&id, at, problem));
        if self.kind != KIND {
            return error("kind", format!("expected {KIND}, found `{}`", self.kind));
        }
        if self.api_version != API_VERSION {
            let problem = format!("expected {API_VERSION}, found `{}`", self.api_version);
            return error("apiVersion", problem);
        }
        let spec = self.spec;
        if spec.workload_selector.is_some() && !spec.target_refs.is_empty() {
            let problem = "only one of workloadSelector and targetRefs can be set";
            return error("spec", problem.to_string());
        }
        if spec.target_refs.len() > MOST_TARGET_REFS {
            return error("spec.targetRefs", format!("more than {MOST_TARGET_REFS}"));
        }
        let mut warnings = Vec::new();
        let labels = match spec.workload_selector {
            Some(Selector { labels }) => {
                if labels.is_empty() {
                    warnings.push(
                        "spec.workloadSelector: without labels, will be applied to all services \
                         in namespace"
                            .to_string(),
                    );
                }
                labels
            }
            None => BTreeMap::new(),
        };
        let mut patches = Vec::new();
        for (index, patch) in spec.config_patches.into_iter().enumerate() {
            let mut checked = Checked::at(&id, format!("spec.configPatches[{index}]"));
            patches.push(checked.patch(patch)?);
            warnings.append(&mut checked.warnings);
        }
        Ok(EnvoyFilter {
            name: self.metadata.name,
            namespace,
            created: self.metadata.creation_timestamp.unwrap_or_default(),
            priority: spec.priority,
            labels,
            target_refs: spec.target_refs,
            patches,
            warnings,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_of_another_shape_is_refused() {
        let resource = "{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, \
                        metadata: {name: test, labels: {a: b}}, spec: {}}";
        assert_eq!(
            EnvoyFilter::parse_all(&format!("{resource}\n---\n{resource}"))
                .unwrap()
                .len(),
            2
        );
        for (from, to, problem) in [
            (
                "EnvoyFilter",
                "WasmPlugin",
                "kind: expected EnvoyFilter, found `WasmPlugin`",
            ),
            (
                "v1alpha3",
                "v1",
                "apiVersion: expected networking.istio.io/v1alpha3",
            ),
            (
                "spec: {}",
                "spec: {workloadSelektor: {}}",
                "unknown field `workloadSelektor`",
            ),
            (
                "spec: {}",
                "spec: {workloadSelector: {labels: {a: b}}, targetRefs: [{kind: Gateway, name: a}]}",
                "only one of",
            ),
            (
                "spec: {}",
                "spec: {configPatches: [{applyTo: CLUSTER, patch: 7}]}",
                "",
            ),
        ] {
            let resource = resource.replace(from, to);
            let error = EnvoyFilter::parse(&resource).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
            let object = &Object::read_all(&resource).unwrap()[0];
            let error = EnvoyFilter::try_from(object).unwrap_err().to_string();
            assert!(error.contains("default/test"), "{error}");
            assert!(error.contains(problem), "{error}");
        }
        assert!(EnvoyFilter::parse(&format!("{resource}\n---\n{resource}")).is_err());
    }
}
