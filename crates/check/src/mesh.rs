//! All objects of all files: what rules look at.

use crate::Options;
use crate::source::{Item, Read, Source};

/// What was given, read.
pub(crate) struct Mesh<'a> {
    pub(crate) sources: &'a [Source],
    /// One for each source.
    pub(crate) read: &'a [Read],
    pub(crate) items: Vec<Item<'a>>,
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
        Mesh {
            sources,
            read,
            items,
            options,
        }
    }

    /// The name of a file.
    pub(crate) fn name(&self, source: usize) -> &'a str {
        self.sources.get(source).map_or("", |source| &source.name)
    }

    /// The objects of a kind of Istio's.
    pub(crate) fn of<'b>(&'b self, kind: &'b str) -> impl Iterator<Item = &'b Item<'a>> + 'b {
        let items = self.items.iter();
        items.filter(move |item| item.kind() == kind && item.group().ends_with("istio.io"))
    }
}
