//! Which tags and samples a stream comes to. What may grow is bounded here.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use sdk_helpers::{OutcomeId, Outcomes, Record, Request, Response, Series, World};

use crate::attribute::{Phase, View, number};
use crate::bound::{Bound, Ceiling, ValueId};
use crate::clean::clean;
use crate::config::{BoundConfig, Config, MetricConfig, Override, Reporter, TagConfig};
use crate::expression::Expression;
use crate::identity::{Home, Peers, Services};
use crate::label::Label;
use crate::metric::Metric;
use crate::source::Source;
use crate::standard::Standard;

/// A compiled configuration, and what it has seen.
#[derive(Debug)]
pub struct Policy {
    tags: Vec<Tag>,
    /// For a client's side and a server's.
    plans: [Vec<Group>; 2],
    columns: Vec<Column>,
    prefix: String,
    ceiling: Ceiling,
    /// By place: each metric with its labels.
    series: RefCell<Vec<(Metric, Rc<str>)>>,
    outcomes: Outcomes,
    series_overflow: OutcomeId,
    reporter: Option<Reporter>,
    host_header: Option<bool>,
    home: OnceCell<Home>,
    peers: Peers,
    services: Services,
}

#[derive(Debug)]
struct Tag {
    config: TagConfig,
    phase: Phase,
    /// Filter state without `wasm.`.
    key: String,
    limit: Option<Limit>,
}

/// A bound, and what is told when it is reached.
#[derive(Debug)]
struct Limit {
    bound: Bound,
    overflow: OutcomeId,
}

/// A label that some metrics have.
#[derive(Debug)]
struct Column {
    name: String,
    of: ColumnOf,
}

#[derive(Debug)]
enum ColumnOf {
    Standard(Label, Limit),
    Tag(usize),
    Expression(Rc<Expression>, BoundConfig, Limit),
}

/// Metrics with the same labels.
#[derive(Debug)]
struct Group {
    metrics: Vec<Metric>,
    columns: Vec<usize>,
    /// By the places of the labels' values: where the series of the first metric is; those of the
    /// others follow.
    known: RefCell<HashMap<Vec<u8>, usize>>,
    /// Those for everything beyond the ceiling.
    overflow: usize,
}

/// What is remembered of a stream.
#[derive(Debug, Default)]
pub struct Memory {
    /// The tags so far; `None` for one that is still to come.
    tags: Vec<Option<ValueId>>,
}

impl Policy {
    /// Compiles a configuration.
    pub fn compile(config: Config) -> Self {
        let mut outcomes = Outcomes::default();
        let series_overflow = outcomes.add("series_overflow", None);
        let tags: Vec<Tag> = config
            .tags
            .into_iter()
            .map(|tag| Tag {
                phase: tag.source.phase(),
                key: format!("mesh_filters.tag.{}", tag.name),
                limit: tag
                    .bound
                    .as_ref()
                    .map(|bound| Limit::new(&tag.name, bound, &mut outcomes)),
                config: tag,
            })
            .collect();
        let mut columns = Columns {
            tags: &tags,
            labels: &config.labels,
            outcomes,
            columns: Vec::new(),
        };
        let mut series = Vec::new();
        let plans = config
            .metrics
            .map(|metrics| columns.groups(metrics, &mut series));
        let Columns {
            outcomes, columns, ..
        } = columns;
        Policy {
            plans,
            columns,
            prefix: config.prefix,
            ceiling: Ceiling::new("series".to_owned(), config.max_series),
            series: RefCell::new(series),
            outcomes,
            series_overflow,
            reporter: config.reporter,
            host_header: config.host_header_fallback,
            home: OnceCell::new(),
            peers: Peers::default(),
            services: Services::default(),
            tags,
        }
    }

    /// Everything that can be counted beside the series.
    pub fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    /// The number of tags, and of metrics on the side that has more.
    pub fn size(&self) -> (usize, usize) {
        let metrics = |plan: &Vec<Group>| plan.iter().map(|group| group.metrics.len()).sum();
        let most = self.plans.iter().map(metrics).max();
        (self.tags.len(), most.unwrap_or(0))
    }

    /// Every expression, with where it stands.
    pub fn expressions(&self) -> impl Iterator<Item = (&str, &Expression)> {
        let tags = self.tags.iter().filter_map(|tag| match &tag.config.source {
            Source::Expression(expression) => Some((tag.config.name.as_str(), expression)),
            _ => None,
        });
        tags.chain(self.columns.iter().filter_map(|column| match &column.of {
            ColumnOf::Expression(expression, ..) => Some((column.name.as_str(), &**expression)),
            _ => None,
        }))
    }

    /// The series at a place.
    pub fn series(&self, place: usize) -> Option<Series> {
        let series = self.series.borrow();
        let (metric, labels) = series.get(place)?;
        Some(Series {
            is_histogram: metric.is_histogram(),
            name: format!("{}{}{labels}", self.prefix, metric.name()),
        })
    }

    /// The tags that there are with the request's headers.
    pub fn on_request(&self, request: &Request, world: &dyn World, memory: &mut Memory) -> Record {
        let view = View {
            request: Some(request),
            response: None,
            world,
        };
        let mut record = Record::default();
        self.tag(&view, memory, &mut record, |phase| phase == Phase::Request);
        record
    }

    /// The tags that there are with the response's headers. Those of the request that are missing,
    /// because it never came by, cannot be read now.
    pub fn on_response(
        &self,
        response: &Response,
        world: &dyn World,
        memory: &mut Memory,
    ) -> Record {
        let view = View {
            request: None,
            response: Some(response),
            world,
        };
        let mut record = Record::default();
        self.tag(&view, memory, &mut record, |phase| phase == Phase::Response);
        record
    }

    /// The rest of the tags, and the samples.
    pub fn on_end(
        &self,
        request: &Request,
        response: &Response,
        world: &dyn World,
        memory: &mut Memory,
    ) -> Record {
        let view = View {
            request: Some(request),
            response: Some(response),
            world,
        };
        let mut record = Record::default();
        self.tag(&view, memory, &mut record, |_| true);
        let home = self.home(world);
        let Some(plan) = self.plans.get(side(home)).filter(|plan| !plan.is_empty()) else {
            return record;
        };
        let standard = Standard::new(view, request, home, &self.peers, &self.services);
        let mut values: Vec<Option<ValueId>> = vec![None; self.columns.len()];
        let mut key = Vec::new();
        for group in plan {
            key.clear();
            for place in &group.columns {
                let (Some(value), Some(column)) =
                    (values.get_mut(*place), self.columns.get(*place))
                else {
                    continue;
                };
                let id = *value
                    .get_or_insert_with(|| column.value(&standard, &view, memory, &mut record));
                key.extend_from_slice(&id.to_bytes());
            }
            let first = self.place(group, &key, world, &mut record);
            for (offset, metric) in group.metrics.iter().enumerate() {
                if let Some(value) = measure(*metric, &standard, world) {
                    record.samples.push((first.saturating_add(offset), value));
                }
            }
        }
        record
    }

    fn home(&self, world: &dyn World) -> &Home {
        self.home
            .get_or_init(|| Home::read(world, self.reporter, self.host_header))
    }

    fn tag(
        &self,
        view: &View<'_>,
        memory: &mut Memory,
        record: &mut Record,
        now: impl Fn(Phase) -> bool,
    ) {
        if self.tags.is_empty() {
            return;
        }
        let side = side(self.home(view.world));
        memory.tags.resize(self.tags.len(), None);
        let pending = self.tags.iter().zip(&mut memory.tags);
        for (tag, seen) in pending.filter(|(tag, seen)| seen.is_none() && now(tag.phase)) {
            let here = tag.config.modes.get(side).is_some_and(|here| *here);
            let value = here.then(|| tag.config.source.value(view)).flatten();
            *seen = Some(tag.settle(value.as_deref().unwrap_or_default(), view.world, record));
        }
    }

    /// Where the series of a group's first metric is.
    fn place(&self, group: &Group, key: &[u8], world: &dyn World, record: &mut Record) -> usize {
        if let Some(place) = group.known.borrow().get(key) {
            return *place;
        }
        let labels = self.labels(group, key);
        let mask = group
            .metrics
            .iter()
            .fold(0, |mask, metric| mask | 1u8 << *metric as u8);
        let item = format!("{}{mask}{labels}", self.prefix);
        let weight = u32::try_from(group.metrics.len()).unwrap_or(u32::MAX);
        if !self.ceiling.admits(world, &item, weight) {
            record.outcomes.push(self.series_overflow);
            return group.overflow;
        }
        let mut series = self.series.borrow_mut();
        let place = series.len();
        let labels: Rc<str> = labels.into();
        series.extend(
            group
                .metrics
                .iter()
                .map(|metric| (*metric, Rc::clone(&labels))),
        );
        group.known.borrow_mut().insert(key.to_vec(), place);
        place
    }

    /// `[name=value]` of each label; one without a value is none, as in Prometheus.
    fn labels(&self, group: &Group, key: &[u8]) -> String {
        let mut labels = String::new();
        let ids = key.chunks_exact(4).map(ValueId::from_bytes);
        for (place, id) in group.columns.iter().zip(ids) {
            if let Some(column) = self.columns.get(*place)
                && let Some(limit) = column.limit(&self.tags)
                && id != ValueId::NONE
            {
                limit.bound.with(id, |value| {
                    for part in ["[", &column.name, "=", value, "]"] {
                        labels.push_str(part);
                    }
                });
            }
        }
        labels
    }
}

fn side(home: &Home) -> usize {
    usize::from(home.reporter != Reporter::Source)
}

fn measure(metric: Metric, standard: &Standard<'_>, world: &dyn World) -> Option<u64> {
    let sized = |of: &str, name: &str| number(world.property(&[of, name]));
    match metric {
        Metric::RequestCount => Some(1),
        Metric::RequestDuration => Some(sized("request", "duration")? / 1_000_000),
        Metric::RequestSize => sized("request", "total_size"),
        Metric::ResponseSize => sized("response", "total_size"),
        Metric::GrpcRequestMessages => messages(standard, world, 0),
        Metric::GrpcResponseMessages => messages(standard, world, 1),
    }
}

/// What Envoy's `grpc_stats` filter leaves behind: both numbers, with a comma between them.
fn messages(standard: &Standard<'_>, world: &dyn World, which: usize) -> Option<u64> {
    if !standard.is_grpc() {
        return None;
    }
    let counted = world.property(&["filter_state", "envoy.filters.http.grpc_stats"])?;
    let number = counted.split(|byte| *byte == b',').nth(which)?;
    let number: u64 = std::str::from_utf8(number).ok()?.parse().ok()?;
    (number > 0).then_some(number)
}

impl Limit {
    fn new(name: &str, config: &BoundConfig, outcomes: &mut Outcomes) -> Self {
        Limit {
            bound: Bound::new(name, config.max_values, config.overflow.clone()),
            overflow: outcomes.add("overflow", Some(name)),
        }
    }

    fn admit(&self, value: &str, world: &dyn World, record: &mut Record) -> ValueId {
        self.bound.admit(world, value).unwrap_or_else(|| {
            record.outcomes.push(self.overflow);
            ValueId::OVERFLOW
        })
    }
}

impl Tag {
    /// Makes a value safe and bounded, and leaves it for logs, spans and later filters.
    fn settle(&self, value: &[u8], world: &dyn World, record: &mut Record) -> ValueId {
        let template = self.config.templates.iter().find_map(|one| one.of(value));
        let value = template.map_or_else(|| clean(value), str::to_owned);
        if value.is_empty() {
            return ValueId::NONE;
        }
        let (id, value) = match &self.limit {
            None => (ValueId::NONE, value),
            Some(limit) => match limit.admit(&value, world, record) {
                ValueId::OVERFLOW => {
                    let overflow = limit.bound.with(ValueId::OVERFLOW, str::to_owned);
                    (ValueId::OVERFLOW, overflow)
                }
                id => (id, value),
            },
        };
        record.state.push((self.key.clone(), value.into_bytes()));
        id
    }
}

impl Column {
    fn limit<'a>(&'a self, tags: &'a [Tag]) -> Option<&'a Limit> {
        match &self.of {
            ColumnOf::Standard(_, limit) | ColumnOf::Expression(.., limit) => Some(limit),
            ColumnOf::Tag(place) => tags.get(*place)?.limit.as_ref(),
        }
    }

    fn value(
        &self,
        standard: &Standard<'_>,
        view: &View<'_>,
        memory: &Memory,
        record: &mut Record,
    ) -> ValueId {
        match &self.of {
            ColumnOf::Tag(place) => memory
                .tags
                .get(*place)
                .copied()
                .flatten()
                .unwrap_or(ValueId::NONE),
            ColumnOf::Standard(label, limit) => {
                let value = standard.value(*label);
                limit.admit(&clean(value.as_bytes()), view.world, record)
            }
            ColumnOf::Expression(expression, _, limit) => {
                let value = expression.evaluate(view);
                let value = value.as_deref().unwrap_or(b"unknown");
                limit.admit(&clean(value), view.world, record)
            }
        }
    }
}

/// The labels of all metrics while they are put together.
struct Columns<'a> {
    tags: &'a [Tag],
    labels: &'a [Label],
    outcomes: Outcomes,
    columns: Vec<Column>,
}

impl Columns<'_> {
    fn groups(
        &mut self,
        metrics: Vec<MetricConfig>,
        series: &mut Vec<(Metric, Rc<str>)>,
    ) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for MetricConfig { metric, overrides } in metrics {
            let columns = self.of_metric(overrides);
            match groups.iter_mut().find(|group| group.columns == columns) {
                Some(group) => group.metrics.push(metric),
                None => groups.push(Group {
                    metrics: vec![metric],
                    columns,
                    known: RefCell::default(),
                    overflow: 0,
                }),
            }
        }
        for group in &mut groups {
            group.overflow = series.len();
            let mut labels = String::new();
            for column in group
                .columns
                .iter()
                .filter_map(|place| self.columns.get(*place))
            {
                if let Some(limit) = column.limit(self.tags) {
                    limit.bound.with(ValueId::OVERFLOW, |value| {
                        for part in ["[", &column.name, "=", value, "]"] {
                            labels.push_str(part);
                        }
                    });
                }
            }
            let labels: Rc<str> = labels.into();
            series.extend(
                group
                    .metrics
                    .iter()
                    .map(|metric| (*metric, Rc::clone(&labels))),
            );
        }
        groups
    }

    /// Istio's labels in their order, then all others by name.
    fn of_metric(&mut self, overrides: Vec<(String, Override)>) -> Vec<usize> {
        let change = |name: &str| {
            overrides
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, change)| change)
        };
        let mut places = Vec::new();
        for label in self.labels {
            match change(label.name()) {
                None => places.push(self.standard(*label)),
                Some(Override::Upsert(expression, _, bound)) => {
                    places.push(self.expression(label.name(), expression, bound));
                }
                Some(Override::Remove) => {}
            }
        }
        let mut others = Vec::new();
        for (place, tag) in self.tags.iter().enumerate() {
            let name = tag.config.name.as_str();
            if tag.limit.is_some() && change(name).is_none() {
                others.push((name, self.tag(place)));
            }
        }
        for (name, change) in &overrides {
            let listed = Label::find(name).is_some_and(|label| self.labels.contains(&label));
            if let Override::Upsert(expression, _, bound) = change
                && !listed
            {
                others.push((name, self.expression(name, expression, bound)));
            }
        }
        others.sort_unstable();
        places.extend(others.into_iter().map(|(_, place)| place));
        places
    }

    fn standard(&mut self, label: Label) -> usize {
        let same =
            |column: &Column| matches!(&column.of, ColumnOf::Standard(known, _) if *known == label);
        if let Some(place) = self.columns.iter().position(same) {
            return place;
        }
        let limit = Limit::new(label.name(), &BoundConfig::default(), &mut self.outcomes);
        self.add(label.name(), ColumnOf::Standard(label, limit))
    }

    fn tag(&mut self, tag: usize) -> usize {
        let same = |column: &Column| matches!(column.of, ColumnOf::Tag(known) if known == tag);
        if let Some(place) = self.columns.iter().position(same) {
            return place;
        }
        let name = self
            .tags
            .get(tag)
            .map_or("", |tag| tag.config.name.as_str());
        self.add(name, ColumnOf::Tag(tag))
    }

    fn expression(
        &mut self,
        name: &str,
        expression: &Rc<Expression>,
        bound: &BoundConfig,
    ) -> usize {
        let same = |column: &Column| {
            column.name == name
                && matches!(&column.of, ColumnOf::Expression(known, limit, _)
                    if Rc::ptr_eq(known, expression) && limit == bound)
        };
        if let Some(place) = self.columns.iter().position(same) {
            return place;
        }
        let limit = Limit::new(name, bound, &mut self.outcomes);
        let of = ColumnOf::Expression(Rc::clone(expression), bound.clone(), limit);
        self.add(name, of)
    }

    fn add(&mut self, name: &str, of: ColumnOf) -> usize {
        let name = name.to_owned();
        self.columns.push(Column { name, of });
        self.columns.len().saturating_sub(1)
    }
}
