//! One tag: its value, made safe and bounded, left for logs, spans and later filters.

use std::borrow::Cow;
use std::rc::Rc;

use sdk_helpers::{Outcomes, Record, World};

use super::limit::LabelLimit;
use crate::attribute::{Phase, View};
use crate::bound::ValueId;
use crate::clean::clean;
use crate::config::TagConfig;
use crate::expression::Expression;
use crate::tag_source::{TagSource, Template};

#[derive(Debug)]
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) phase: Phase,
    source: TagSource,
    templates: Vec<Template>,
    /// Whether there is one on a client's side and on a server's.
    modes: [bool; 2],
    /// Filter state without `wasm.`.
    key: Rc<str>,
    /// There is one if the tag is a label too.
    pub(super) limit: Option<LabelLimit>,
}

/// The value of a tag in one stream.
#[derive(Debug)]
pub(super) struct TagValue {
    pub(super) id: ValueId,
    /// The value so far, when it may not be the last one.
    pub(super) early: Option<String>,
}

impl Tag {
    pub(super) fn new(config: TagConfig, outcomes: &mut Outcomes) -> Self {
        let bound = config.bound.as_ref();
        Tag {
            phase: config.source.phase(),
            key: format!("mesh_filters.tag.{}", config.name).into(),
            limit: bound.map(|bound| LabelLimit::new(&config.name, 0, bound, outcomes)),
            name: config.name,
            source: config.source,
            templates: config.templates,
            modes: config.modes,
        }
    }

    pub(super) fn expression(&self) -> Option<&Expression> {
        match &self.source {
            TagSource::Expression(expression) => Some(expression),
            _ => None,
        }
    }

    /// How many headers of the request its value takes.
    pub(super) fn headers(&self) -> usize {
        self.source.headers()
    }

    /// Whether what is read with the request stays what it is.
    pub(super) fn is_final_at_once(&self) -> bool {
        self.phase == Phase::Request && !self.source.comes_late()
    }

    /// Whether anything of its value is needed once it is left for others.
    pub(super) fn is_kept(&self) -> bool {
        let may_change = self.phase == Phase::Response || self.source.comes_late();
        self.limit.is_some() || may_change
    }

    /// Reads the value and records it; what there is of it for labels. `None` if it may still come.
    ///
    /// What is read of an answer while it goes by, or of what other filters leave, is for spans and for filters on
    /// the way. An upstream may still break off, and a filter write something else, so it is read once more at
    /// the end.
    pub(super) fn read(
        &self,
        side: usize,
        view: &View<'_>,
        now: Phase,
        before: Option<TagValue>,
        record: &mut Record,
    ) -> Option<TagValue> {
        let here = self.modes.get(side).is_some_and(|here| *here);
        let value = here.then(|| self.source.value(view)).flatten();
        if here && value.is_none() && now != Phase::End && self.source.comes_late() {
            return None;
        }
        let missing = || self.source.missing().filter(|_| here).map(Cow::Borrowed);
        let value = value.or_else(missing).unwrap_or_default();
        let template = self.templates.iter().find_map(|one| one.of(&value));
        let value = template.map_or_else(|| clean(&value), Cow::Borrowed);
        if let Some(before) = before {
            if before.early.as_deref() == Some(&*value) {
                return Some(before);
            }
            // Filter state cannot be removed, only emptied.
            if value.is_empty() && before.early.is_some_and(|early| !early.is_empty()) {
                record.state.push((Rc::clone(&self.key), Vec::new()));
            }
        }
        let may_change =
            now == Phase::Response || now == Phase::Request && self.source.comes_late();
        let early = may_change.then(|| value.clone().into_owned());
        if value.is_empty() {
            let id = ValueId::NONE;
            return Some(TagValue { id, early });
        }
        let id = self.admit(&value, view.world, record);
        let value = match (&self.limit, id) {
            (Some(limit), ValueId::OVERFLOW) => limit.with(id, |value| value.as_bytes().to_vec()),
            _ => value.into_owned().into_bytes(),
        };
        record.state.push((Rc::clone(&self.key), value));
        Some(TagValue { id, early })
    }

    fn admit(&self, value: &str, world: &dyn World, record: &mut Record) -> ValueId {
        match &self.limit {
            Some(limit) => limit.admit(value, world, record),
            None => ValueId::NONE,
        }
    }
}
