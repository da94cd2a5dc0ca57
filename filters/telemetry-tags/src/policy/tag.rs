//! One tag: its value, made safe and bounded, left for logs, spans and later filters.

mod told;

use std::borrow::Cow;
use std::rc::Rc;

use sdk_helpers::{Outcomes, Record};

use super::limit::LabelLimit;
use crate::attribute::{Phase, View};
use crate::bound::ValueId;
use crate::clean::clean_bytes;
use crate::config::TagConfig;
use crate::expression::Expression;
use crate::tag_source::{TagSource, Template};

#[derive(Debug)]
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) phase: Phase,
    source: TagSource,
    /// The value, where it is always the same.
    fixed: Option<Rc<[u8]>>,
    templates: Vec<Template>,
    /// Whether it may have a value later where it has none with the request.
    comes_late: bool,
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
    pub(super) early: Option<Rc<[u8]>>,
}

impl Tag {
    pub(super) fn new(config: TagConfig, outcomes: &mut Outcomes) -> Self {
        let bound = config.bound.as_ref();
        let fixed = match &config.source {
            TagSource::Literal(text) => Some(finished(text.as_bytes(), &config.templates).into()),
            _ => None,
        };
        Tag {
            fixed,
            comes_late: config.source.comes_late(),
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

    /// Whether it is read with the request and cannot be read where Envoy does not show the stream.
    pub(super) fn needs_stream(&self) -> bool {
        let is_envoys = self.expression().is_some_and(Expression::is_envoys);
        self.phase == Phase::Request && is_envoys
    }

    /// How many headers of the request its value takes.
    pub(super) fn headers(&self) -> usize {
        self.source.headers()
    }

    /// Whether what is read with the request stays what it is.
    pub(super) fn is_final_at_once(&self) -> bool {
        self.phase == Phase::Request && !self.comes_late
    }

    /// Whether anything of its value is needed once it is left for others.
    pub(super) fn is_kept(&self) -> bool {
        let may_change = self.phase == Phase::Response || self.comes_late;
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
        let value = self.value(here, view, now)?;
        if let Some(before) = before {
            if before.early.as_ref() == Some(&value) {
                return Some(before);
            }
            // Filter state cannot be removed, only emptied.
            if value.is_empty() && before.early.is_some_and(|early| !early.is_empty()) {
                record.state.push((Rc::clone(&self.key), Rc::default()));
            }
        }
        let may_change = now == Phase::Response || now == Phase::Request && self.comes_late;
        let early = may_change.then(|| Rc::clone(&value));
        let mut id = ValueId::NONE;
        if value.is_empty() {
            return Some(TagValue { id, early });
        }
        if let Some(limit) = &self.limit {
            id = limit.admit(&value, view.world, record);
        }
        let value = match (&self.limit, id) {
            (Some(limit), ValueId::OVERFLOW) => limit.with(id, |value| value.as_bytes().into()),
            _ => value,
        };
        record.state.push((Rc::clone(&self.key), value));
        Some(TagValue { id, early })
    }

    /// Its value, empty where there is none; `None` if it may still come.
    fn value(&self, here: bool, view: &View<'_>, now: Phase) -> Option<Rc<[u8]>> {
        if !here {
            return Some(Rc::default());
        }
        if let Some(fixed) = &self.fixed {
            return Some(Rc::clone(fixed));
        }
        let read = match self.source.value(view) {
            Some(read) => read,
            None if self.comes_late && now != Phase::End => return None,
            None => Cow::Borrowed(self.source.missing().unwrap_or_default()),
        };
        Some(Rc::from(&*finished(&read, &self.templates)))
    }
}

/// A value as it is left for others: the text of the first template that it fits, or else itself, made clean.
fn finished<'a>(value: &'a [u8], templates: &'a [Template]) -> Cow<'a, [u8]> {
    let template = templates.iter().find_map(|one| one.of(value));
    template.map_or_else(|| clean_bytes(value), |text| Cow::Borrowed(text.as_bytes()))
}
