//! The labels that metrics have, each once however many metrics have it.

use std::cell::RefCell;
use std::rc::Rc;

use sdk_helpers::{Outcomes, Record, World};

use super::limit::LabelLimit;
use super::tag::{Tag, TagValue};
use crate::attribute::View;
use crate::bound::ValueId;
use crate::clean::clean_bytes;
use crate::config::{BoundConfig, Override};
use crate::expression::Expression;
use crate::identity::Workload;
use crate::label::Label;
use crate::metric::Metric;
use crate::standard::Standard;
use crate::tag_source::UNKNOWN;

/// One label.
#[derive(Debug)]
pub(super) struct Column {
    name: String,
    of: ColumnValue,
}

/// Where the value of a label comes from.
#[derive(Debug)]
enum ColumnValue {
    Standard(Label, LabelLimit, Last),
    /// By its place.
    Tag(usize),
    Expression(Rc<Expression>, BoundConfig, LabelLimit),
}

/// The workload that was seen last, and the value it has for a label: it is mostly seen next.
#[derive(Debug, Default)]
struct Last(RefCell<Option<(Rc<Workload>, ValueId)>>);

impl Last {
    fn of(&self, workload: &Rc<Workload>, read: impl FnOnce() -> ValueId) -> ValueId {
        if let Some((last, id)) = &*self.0.borrow()
            && Rc::ptr_eq(last, workload)
        {
            return *id;
        }
        let id = read();
        // A value beyond the ceiling is told of each time.
        let keep = (id != ValueId::OVERFLOW).then(|| (Rc::clone(workload), id));
        self.0.replace(keep);
        id
    }
}

impl Column {
    /// Writes `[name=value]`; a label without a value is none, as in Prometheus.
    fn write(&self, id: ValueId, tags: &[Tag], labels: &mut String) {
        let limit = self.limit(tags).filter(|_| id != ValueId::NONE);
        if let Some(limit) = limit {
            limit.with(id, |value| {
                for part in ["[", &self.name, "=", value, "]"] {
                    labels.push_str(part);
                }
            });
        }
    }

    /// The value for a stream at its end, whose tags have all been read.
    pub(super) fn value(
        &self,
        standard: &Standard<'_>,
        tags: &[Option<TagValue>],
        view: &View<'_>,
        record: &mut Record,
    ) -> ValueId {
        match &self.of {
            ColumnValue::Tag(place) => {
                let value = tags.get(*place).and_then(Option::as_ref);
                value.map_or(ValueId::NONE, |value| value.id)
            }
            ColumnValue::Standard(label, limit, last) => {
                let mut read = || {
                    let value = standard.value(*label);
                    limit.admit(&clean_bytes(value.as_bytes()), view.world, record)
                };
                match standard.workload(*label) {
                    Some(workload) => last.of(workload, read),
                    None => read(),
                }
            }
            ColumnValue::Expression(expression, _, limit) => {
                let value = expression.evaluate(view);
                let value = value.as_deref().unwrap_or(UNKNOWN);
                limit.admit(&clean_bytes(value), view.world, record)
            }
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the proxy itself says what it is, out of few values.
    pub(super) fn is_closed(&self) -> bool {
        Label::find(&self.name).is_some_and(Label::is_closed)
    }

    /// How many values it has had, over all workers.
    pub(super) fn width(&self, tags: &[Tag], world: &dyn World) -> u32 {
        self.limit(tags).map_or(0, |limit| limit.count(world))
    }

    fn limit<'a>(&'a self, tags: &'a [Tag]) -> Option<&'a LabelLimit> {
        match &self.of {
            ColumnValue::Standard(_, limit, _) | ColumnValue::Expression(.., limit) => Some(limit),
            ColumnValue::Tag(place) => tags.get(*place)?.limit.as_ref(),
        }
    }

    fn is_tag(&self) -> bool {
        matches!(self.of, ColumnValue::Tag(_))
    }

    pub(super) fn expression(&self) -> Option<&Expression> {
        match &self.of {
            ColumnValue::Expression(expression, ..) => Some(expression),
            ColumnValue::Standard(..) | ColumnValue::Tag(_) => None,
        }
    }
}

/// The labels at these places with these values, as they stand in the name of a series.
pub(super) fn labels(
    columns: &[Column],
    tags: &[Tag],
    places: &[usize],
    values: impl Iterator<Item = ValueId>,
) -> String {
    let mut labels = String::new();
    for (place, value) in places.iter().zip(values) {
        if let Some(column) = columns.get(*place) {
            column.write(value, tags, &mut labels);
        }
    }
    labels
}

/// The labels of all metrics while they are put together.
pub(super) struct Columns<'a> {
    pub(super) tags: &'a [Tag],
    pub(super) labels: &'a [Label],
    /// The ceiling of each of Istio's labels.
    pub(super) bound: BoundConfig,
    pub(super) outcomes: &'a mut Outcomes,
    pub(super) columns: Vec<Column>,
}

impl Columns<'_> {
    /// The places of a metric's labels: Istio's in their order, then all others by name.
    pub(super) fn of_metric(
        &mut self,
        metric: Metric,
        overrides: &[(String, Override)],
    ) -> Vec<usize> {
        let change = |name: &str| {
            let mut named = overrides.iter().filter(|(known, _)| known == name);
            named.next().map(|(_, change)| change)
        };
        let mut places = Vec::new();
        for label in self.labels.iter().filter(|label| label.is_of(metric)) {
            match change(label.name()) {
                None => places.push(self.standard(*label)),
                Some(Override::Upsert(expression, bound)) => {
                    places.push(self.expression(label.name(), expression, bound));
                }
                Some(Override::Remove) => {}
            }
        }
        let mut others = Vec::new();
        for (place, tag) in self.tags.iter().enumerate() {
            if tag.limit.is_some() && change(&tag.name).is_none() {
                others.push((tag.name.as_str(), self.tag(place, &tag.name)));
            }
        }
        for (name, change) in overrides {
            // Of Istio's labels those not listed come back this way, but for what a metric never has.
            let done = Label::find(name)
                .is_some_and(|label| self.labels.contains(&label) || !label.is_of(metric));
            if let Override::Upsert(expression, bound) = change
                && !done
            {
                others.push((name, self.expression(name, expression, bound)));
            }
        }
        // A sort of the library weighs 4 kB; there are a handful.
        while let Some((first, _)) = others.iter().enumerate().min_by_key(|(_, (name, _))| *name) {
            places.push(others.swap_remove(first).1);
        }
        places
    }

    fn standard(&mut self, label: Label) -> usize {
        let same = |column: &Column| matches!(&column.of, ColumnValue::Standard(known, ..) if *known == label);
        self.find(same).unwrap_or_else(|| {
            let bound = self.bound.clone();
            let limit = self.limit(label.name(), &bound);
            self.add(
                label.name(),
                ColumnValue::Standard(label, limit, Last::default()),
            )
        })
    }

    fn tag(&mut self, tag: usize, name: &str) -> usize {
        let same = |column: &Column| matches!(column.of, ColumnValue::Tag(known) if known == tag);
        self.find(same)
            .unwrap_or_else(|| self.add(name, ColumnValue::Tag(tag)))
    }

    fn expression(
        &mut self,
        name: &str,
        expression: &Rc<Expression>,
        bound: &BoundConfig,
    ) -> usize {
        let same = |column: &Column| {
            column.name == name
                && matches!(&column.of, ColumnValue::Expression(known, limit, _)
                    if known.is_same(expression) && limit == bound)
        };
        self.find(same).unwrap_or_else(|| {
            let limit = self.limit(name, bound);
            let of = ColumnValue::Expression(Rc::clone(expression), bound.clone(), limit);
            self.add(name, of)
        })
    }

    /// Two labels of one name, of different metrics, have a ceiling each.
    fn limit(&mut self, name: &str, bound: &BoundConfig) -> LabelLimit {
        let tags = self.tags.iter().filter(|tag| tag.name == name).count();
        let others = self.columns.iter();
        let others = others.filter(|column| column.name == name && !column.is_tag());
        LabelLimit::new(
            name,
            tags.saturating_add(others.count()),
            bound,
            self.outcomes,
        )
    }

    fn find(&self, same: impl Fn(&Column) -> bool) -> Option<usize> {
        self.columns.iter().position(same)
    }

    fn add(&mut self, name: &str, of: ColumnValue) -> usize {
        let name = name.to_owned();
        self.columns.push(Column { name, of });
        self.columns.len().saturating_sub(1)
    }
}
