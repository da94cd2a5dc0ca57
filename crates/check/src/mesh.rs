//! All objects of all files: what rules look at.

use crate::Options;
use crate::source::{Item, Read, Source};

/// What was given, read.
pub(crate) struct Mesh<'a> {
    pub(crate) sources: &'a [Source],
    /// One for each source.
    pub(crate) read: &'a [Read],
    pub(crate) items: Vec<Item<'a>>,
    /// What a MeshConfig among them says, which may stand in an IstioOperator or a ConfigMap.
    pub(crate) settings: policies::Mesh,
    /// Whether there is one.
    pub(crate) has_config: bool,
    pub(crate) options: Options,
}

impl<'a> Mesh<'a> {
    pub(crate) fn new(sources: &'a [Source], read: &'a [Read], options: Options) -> Self {
        let mut items = Vec::new();
        for (file, read) in read.iter().enumerate() {
            if let Read::Documents(documents) = read {
                items.extend(documents.iter().flat_map(|it| Item::all(file, it)));
            }
        }
        let is_config = |item: &Item<'_>| policies::Mesh::config(item.root.value()).is_some();
        let has_config = items.iter().any(is_config);
        let settings = policies::Mesh::of(items.iter().map(|item| item.root.value()));
        for item in &mut items {
            item.is_in_root = item.namespace() == settings.root();
        }
        Mesh {
            sources,
            read,
            items,
            settings,
            has_config,
            options,
        }
    }

    /// The name of a file.
    pub(crate) fn name(&self, source: usize) -> &'a str {
        self.sources.get(source).map_or("", |source| &source.name)
    }

    /// The objects of a kind of Istio's; one that says no `apiVersion` was meant to be.
    pub(crate) fn of<'b>(&'b self, kind: &'b str) -> impl Iterator<Item = &'b Item<'a>> + 'b {
        let items = self.items.iter();
        items.filter(move |item| {
            let is_istio = item.group().ends_with("istio.io") || item.api_version().is_empty();
            is_istio && item.kind() == kind
        })
    }
}
