//! EnvoyFilters, WasmPlugins and TrafficExtensions: what they do to proxies, and what of them does nothing.

use std::collections::BTreeSet;

use documents::Document;
use istio::{
    ApplyTo, Download, EnvoyFilter, Error, Note, Object, Operation, Patch, PatchContext, Resources,
    TrafficExtension,
};
use mesh::{Proxy, Said};

use super::{Owner, Settings, extensions, shape, unused};

/// The kinds that are read.
pub(super) const KINDS: [&str; 3] = ["EnvoyFilter", "WasmPlugin", "TrafficExtension"];

/// Them, and what became of them so far.
#[derive(Debug, Default)]
pub(super) struct Patches {
    filters: Vec<EnvoyFilter>,
    extensions: Vec<TrafficExtension>,
    /// Their documents, for places.
    documents: Vec<Document>,
    /// What was read and refused has been said.
    refused: BTreeSet<String>,
    applied: BTreeSet<String>,
    notes: BTreeSet<Note>,
    /// Places of ours that patches were merged into.
    merged: BTreeSet<&'static str>,
    /// The routes of one port were told what those of others were not.
    parted: bool,
}

impl Patches {
    pub(super) fn read(
        documents: &[Document],
        settings: &Settings,
        said: &mut BTreeSet<Said>,
    ) -> Self {
        let mut patches = Patches::default();
        for document in documents {
            let object = document.object();
            let kind = object.kind();
            if !KINDS.contains(&kind) {
                continue;
            }
            patches.documents.push(document.clone());
            let mut refuse = |at: &str, what: String, consequence: &str| {
                patches.refused.insert(unused::key(object.value()));
                said.insert(Said {
                    place: document.place(at),
                    what,
                    consequence: consequence.to_owned(),
                });
            };
            if kind == "EnvoyFilter" {
                match EnvoyFilter::try_from(object) {
                    Ok(filter) => patches.filters.push(filter),
                    Err(error) => refuse(at(&error), error.to_string(), NOT_THERE),
                }
                continue;
            }
            let mut extension = match TrafficExtension::try_from(object) {
                Ok(extension) => extension,
                Err(error) => {
                    refuse(at(&error), error.to_string(), NOT_THERE);
                    continue;
                }
            };
            match extensions::local(&mut extension, &settings.modules) {
                Ok(()) => patches.extensions.push(extension),
                Err(problem) => refuse(
                    url(object),
                    problem,
                    "it is left out; a local mesh has the modules of mesh-filters",
                ),
            }
        }
        patches
    }

    /// Does to a proxy what those that are for it say.
    pub(super) fn apply(
        &mut self,
        owner: &Owner,
        root_namespace: &str,
        proxy: &mut Proxy,
        used: &mut BTreeSet<String>,
    ) {
        used.extend(self.refused.iter().cloned());
        if self.filters.is_empty() && self.extensions.is_empty() {
            return;
        }
        let mut istio = istio::Proxy::new(owner.context, &owner.selection.namespace);
        istio.root_namespace = root_namespace.to_owned();
        istio.labels = owner.selection.labels.clone();
        istio.services = owner.services.clone();
        let filters = self
            .filters
            .iter()
            .filter(|one| istio.takes_policy(&one.namespace, Some(&one.labels), &one.target_refs));
        used.extend(filters.map(|one| format!("EnvoyFilter {}/{}", one.namespace, one.name)));
        let extensions = self.extensions.iter().filter(|one| {
            istio.takes_policy(&one.namespace, one.selector.as_ref(), &one.target_refs)
        });
        used.extend(extensions.map(|one| format!("{:?} {}", one.kind, one.id())));

        let mut parts = shape::apart(proxy);
        let resources = Resources {
            traffic_extensions: &self.extensions,
            envoy_filters: &self.filters,
        };
        // Those of ours are files already, and no others are left.
        let nowhere = |_: &Download<'_>| Err("a local mesh fetches no modules".to_owned());
        let patched = istio::patch(&mut parts, resources, &istio, &nowhere);
        self.parted |= !shape::together(parts, proxy);
        self.applied.extend(patched.applied);
        self.notes.extend(patched.notes);
    }

    /// Takes down which places of ours patches were merged into.
    pub(super) fn merged(&mut self, places: &BTreeSet<&'static str>) {
        self.merged.extend(places);
    }

    /// What there is to say once every proxy has been patched.
    pub(super) fn said(&self, said: &mut BTreeSet<Said>) {
        for note in &self.notes {
            let path = match note.path.as_str() {
                "" => note.resource.clone(),
                path => format!("{} {path}", note.resource),
            };
            let elsewhere = self.applied.contains(&path) || self.applied.contains(&note.resource);
            if note.changed_nothing && elsewhere {
                continue;
            }
            let consequence = match note.changed_nothing {
                true => "it does nothing in this mesh",
                false => "so istiod has it too",
            };
            said.insert(Said {
                place: self.place(&note.resource, &note.path),
                what: note.to_string(),
                consequence: consequence.to_owned(),
            });
        }
        for filter in &self.filters {
            let resource = format!("{}/{}", filter.namespace, filter.name);
            for (index, patch) in filter.patches.iter().enumerate() {
                let path = format!("spec.configPatches[{index}]");
                self.of_patch(&resource, &path, patch, said);
            }
        }
        if self.parted {
            said.insert(Said {
                place: String::new(),
                what:
                    "an EnvoyFilter changes a route configuration of some ports, and not of others"
                        .to_owned(),
                consequence:
                    "the routes of all ports are one configuration here, so it changes none"
                        .to_owned(),
            });
        }
    }

    fn of_patch(&self, resource: &str, path: &str, patch: &Patch, said: &mut BTreeSet<Said>) {
        let mut say = |what: String, consequence: &str| {
            said.insert(Said {
                place: self.place(resource, path),
                what,
                consequence: consequence.to_owned(),
            });
        };
        let was_seen = self.applied.contains(&format!("{resource} {path}"))
            || self
                .notes
                .iter()
                .any(|note| note.resource == resource && note.path == path);
        if !was_seen {
            let what = match patch.context {
                PatchContext::Gateway => "a gateway",
                PatchContext::SidecarInbound | PatchContext::SidecarOutbound => "a sidecar",
                PatchContext::Waypoint => "a waypoint",
                PatchContext::Any => "a proxy",
            };
            say(
                format!("{resource} {path} is for {what} that is not in this mesh"),
                "it does nothing",
            );
        }
        let clause = patch.listener().and_then(|listener| {
            listener
                .filter_chain
                .as_ref()?
                .filter
                .as_ref()?
                .sub_filter
                .as_ref()
        });
        let place = clause.and_then(|clause| self.merged.get(clause.name.as_str()));
        if let (ApplyTo::HttpFilter, Operation::Merge, Some(place)) =
            (patch.apply_to, patch.operation, place)
        {
            say(
                format!("{resource} {path} merges into `{place}`, which no proxy of this mesh has"),
                "it does nothing; a stock Envoy has no filters of Istio's own, and policies are in a module of ours",
            );
        }
    }

    /// Where a field of an object stands.
    fn place(&self, resource: &str, path: &str) -> String {
        let is_filter = path.starts_with("spec.configPatches");
        let found = self.documents.iter().find(|document| {
            let object = document.object();
            (object.kind() == "EnvoyFilter" || !is_filter)
                && format!("{}/{}", object.namespace(), object.name()) == resource
        });
        found
            .map(|document| document.place(path))
            .unwrap_or_default()
    }
}

const NOT_THERE: &str = "istiod refuses it: it is not in the mesh";

/// The path of the field that is wrong.
fn at(error: &Error) -> &str {
    match error {
        Error::Resource { at, .. } => at,
        Error::Invalid { findings, .. } => findings.first().map_or("", |finding| &finding.at),
        _ => "",
    }
}

/// Where the module of a resource is named.
fn url(object: &Object) -> &'static str {
    match object.kind() {
        "WasmPlugin" => "spec.url",
        _ => "spec.wasm.url",
    }
}
