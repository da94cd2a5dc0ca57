//! The patches that are for this proxy, in the order they run, and what became of each: an applied
//! patch is listed, one that changed nothing explains itself.

use super::merge::{self, Lists};
use super::proxy::Context;
use super::resource::{ApplyTo, EnvoyFilter, Operation, Patch, PatchContext};
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;

/// What there is to say of a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// `namespace/name`; empty where it is of none.
    pub resource: String,
    /// The path in it: `spec.configPatches[0]`, or empty.
    pub path: String,
    /// What.
    pub text: String,
    /// It says that this part of the resource changed nothing of the proxy; of another proxy it may have.
    pub changed_nothing: bool,
}

impl Note {
    pub(super) fn of(resource: &str, path: &str, text: impl Into<String>) -> Self {
        Note {
            resource: resource.to_owned(),
            path: path.to_owned(),
            text: text.into(),
            changed_nothing: false,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Note {
            resource,
            path,
            text,
            ..
        } = self;
        match (resource.as_str(), path.as_str()) {
            ("", _) => f.write_str(text),
            (_, "") => write!(f, "{resource}: {text}"),
            _ => write!(f, "{resource} {path}: {text}"),
        }
    }
}

/// A patch on its way through the stages.
pub(super) struct Running<'a> {
    patch: &'a Patch,
    /// `namespace/name`.
    filter: String,
    /// `spec.configPatches[0]`.
    path: String,
    applied: Cell<bool>,
    reasons: RefCell<BTreeSet<String>>,
    warnings: RefCell<BTreeSet<String>>,
}

impl Deref for Running<'_> {
    type Target = Patch;

    fn deref(&self) -> &Patch {
        self.patch
    }
}

impl Running<'_> {
    /// The patch changed something.
    pub(super) fn hit(&self) {
        self.applied.set(true);
    }

    /// Why it did not change an object it reached; told only if it changed none.
    pub(super) fn missed(&self, why: impl Into<String>) {
        self.reasons.borrow_mut().insert(why.into());
    }

    /// What its author did not want; told in any case.
    pub(super) fn warn(&self, what: impl Into<String>) {
        self.warnings.borrow_mut().insert(what.into());
    }

    /// Whether it merges, either way.
    pub(super) fn is_merge(&self) -> bool {
        matches!(
            self.operation,
            Operation::Merge | Operation::MergeAndReplaceList
        )
    }

    /// Merges the patch's value into `object`, if it is a merge at all.
    pub(super) fn merge_into(&self, object: &mut Value) {
        match self.operation {
            Operation::Merge => merge::message(object, &self.value, Lists::Append),
            Operation::MergeAndReplaceList => merge::message(object, &self.value, Lists::Replace),
            _ => return,
        }
        self.hit();
    }

    fn is_for(&self, context: Context) -> bool {
        match self.context {
            PatchContext::Any => true,
            PatchContext::SidecarInbound => context == Context::SidecarInbound,
            PatchContext::SidecarOutbound => context == Context::SidecarOutbound,
            PatchContext::Gateway => context == Context::Gateway,
            PatchContext::Waypoint => false,
        }
    }

    /// Whether any stage looks at it in a proxy of this context.
    fn is_looked_at(&self, context: Context) -> bool {
        match self.apply_to {
            ApplyTo::ExtensionConfig | ApplyTo::Bootstrap => true,
            ApplyTo::Cluster => context.of_clusters().iter().any(|half| self.is_for(*half)),
            _ => self.is_for(context),
        }
    }

    fn explanation(&self) -> String {
        let Patch {
            apply_to,
            operation,
            ..
        } = self.patch;
        if !apply_to.supports(self.effective_operation()) {
            return format!("{operation} has no effect on {apply_to}s");
        }
        let reasons = self.reasons.borrow();
        if reasons.is_empty() {
            return format!("{operation} matched no {apply_to}");
        }
        let reasons: Vec<&str> = reasons.iter().map(String::as_str).collect();
        format!("{operation} changed no {apply_to}: {}", reasons.join("; "))
    }
}

/// Every patch for this proxy.
pub(super) struct Patches<'a>(Vec<Running<'a>>);

impl<'a> Patches<'a> {
    pub(super) fn of(filters: &[&'a EnvoyFilter], selects: impl Fn(&Patch) -> bool) -> Self {
        let running = filters.iter().flat_map(|filter| {
            filter
                .patches
                .iter()
                .enumerate()
                .map(|(index, patch)| Running {
                    patch,
                    filter: format!("{}/{}", filter.namespace, filter.name),
                    path: format!("spec.configPatches[{index}]"),
                    applied: Cell::new(false),
                    reasons: RefCell::default(),
                    warnings: RefCell::default(),
                })
        });
        Patches(running.filter(|running| selects(running)).collect())
    }

    /// The patches to one kind of object, in one context.
    pub(super) fn to(
        &self,
        apply_to: ApplyTo,
        context: Context,
    ) -> impl Iterator<Item = &Running<'a>> {
        self.in_any_context(apply_to)
            .filter(move |patch| patch.is_for(context))
    }

    /// The patches to a kind of object for which istiod compares no context.
    pub(super) fn in_any_context(&self, apply_to: ApplyTo) -> impl Iterator<Item = &Running<'a>> {
        self.0
            .iter()
            .filter(move |patch| patch.apply_to == apply_to)
    }

    /// The patches that changed something.
    pub(super) fn applied(&self) -> Vec<String> {
        self.0
            .iter()
            .filter(|patch| patch.applied.get())
            .map(|patch| format!("{} {}", patch.filter, patch.path))
            .collect()
    }

    /// What there is to say about the others, and about some of these, in a proxy with these contexts.
    pub(super) fn notes(&self, contexts: &[Context]) -> Vec<Note> {
        let mut notes = Vec::new();
        for patch in &self.0 {
            let note = |text: String| Note::of(&patch.filter, &patch.path, text);
            let warnings = patch.warnings.borrow();
            notes.extend(warnings.iter().cloned().map(note));
            let is_looked_at = contexts.iter().any(|context| patch.is_looked_at(*context));
            if !patch.applied.get() && is_looked_at {
                notes.push(Note {
                    changed_nothing: true,
                    ..note(patch.explanation())
                });
            }
        }
        notes
    }
}
