//! `exportTo`: to which namespaces an object is shown.

use std::collections::BTreeSet;

use super::{Told, names};
use crate::spot::Spot;

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// What can be shown to nobody too, by `~`.
    ServiceEntry,
    /// A DestinationRule for some clients alone, which is its namespace's own.
    Selected,
    Other,
}

/// Checks `exportTo` of a `spec`.
pub(super) fn check(spec: &Spot<'_>, namespace: &str, of: Of, told: &Told) {
    let mut seen = BTreeSet::new();
    let entries = spec.list("exportTo");
    for entry in &entries {
        let text = entry.value().as_str().unwrap_or_default();
        let meant = if text == "." { namespace } else { text };
        if !seen.insert(meant) {
            told.error(entry, format!("`{}` is named twice", meant.escape_debug()));
        }
        let is_nobody = text == "~" && of == Of::ServiceEntry;
        if !is_nobody && meant != "*" && !names::is_label(meant) {
            let text = text.escape_debug();
            told.error(entry, format!("`{text}` is none of `.` (its own namespace), `*` (all), and the name of a namespace"));
        }
        if of == Of::Selected && meant != namespace {
            told.error(entry, "with a `workloadSelector` a DestinationRule is for clients of its own namespace: `.` is all that it can be exported to");
        }
        if ["*", "~"].contains(&text) && entries.len() > 1 {
            told.error(entry, format!("`{text}` stands alone or not at all"));
        }
    }
}
