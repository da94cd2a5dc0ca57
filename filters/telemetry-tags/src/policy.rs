//! Which tags and samples a stream comes to. What may grow is bounded here.

mod column;
mod dropped;
mod explain;
mod group;
mod limit;
mod series;
mod tag;

use std::cell::{OnceCell, RefCell};

use sdk_helpers::{OutcomeId, Outcomes, Record, Request, Response, Series, SeriesId, World};

use crate::attribute::{Phase, View};
use crate::bound::ValueId;
use crate::claim::LazyClaims;
use crate::config::{BoundConfig, Config, Reporter};
use crate::expression::Expression;
use crate::identity::{LocalProxy, Peers, Services};
use crate::metric::Metric;
use crate::standard::Standard;
use column::{Column, Columns};
use dropped::{Choice, STEPS};
use group::Group;
use series::AllSeries;
use tag::{Tag, TagValue};

/// A compiled configuration, and what it has seen.
#[derive(Debug)]
pub struct Policy {
    tags: Vec<Tag>,
    /// Whether a tag is read with the response's headers.
    has_response_tags: bool,
    /// Whether a tag is read, or read again, after the request.
    has_later_tags: bool,
    /// Whether anything of a tag is needed after it is read: for a label, or to see if it has changed.
    keeps_tags: bool,
    /// Whether the tags that are read with the request are cheaper had from the whole header map, fetched at
    /// once, than header by header.
    prefetch_request_headers: bool,
    /// Likewise for what is read of the request at the end of the stream.
    prefetch_request_headers_at_end: bool,
    /// The metrics of a client's side and of a server's, grouped by their labels.
    groups: [Vec<Group>; 2],
    columns: Vec<Column>,
    series: AllSeries,
    /// `maxSeries`.
    most: u32,
    outcomes: Outcomes,
    series_overflow: OutcomeId,
    reporter: Option<Reporter>,
    host_header: Option<bool>,
    proxy: OnceCell<LocalProxy>,
    peers: Peers,
    services: Services,
    /// Room that every stream uses anew at its end.
    room: RefCell<Room>,
}

/// What is remembered of a stream.
#[derive(Debug, Default)]
pub struct Memory {
    /// Whether the request came by, and with it the tags that are final then were read.
    began: bool,
    /// Whether a tag of the request is still to be read, because Envoy did not show the stream. It does with
    /// the response's headers, but then not what was in the request: that is there again at the end.
    missed: bool,
    /// The tags so far, where they are kept; `None` for one that is still to come.
    tags: Vec<Option<TagValue>>,
}

#[derive(Debug, Default)]
struct Room {
    /// The value of each label, which several metrics have.
    values: Vec<Option<ValueId>>,
    /// Those of one group together.
    key: Vec<u8>,
}

impl Policy {
    /// Compiles a configuration.
    pub fn compile(config: Config) -> Self {
        let mut outcomes = Outcomes::default();
        let series_overflow = outcomes.add("series_overflow", None);
        let tags = config.tags.into_iter();
        let tags: Vec<Tag> = tags.map(|tag| Tag::new(tag, &mut outcomes)).collect();
        let mut series = AllSeries::new(config.prefix);
        let mut columns = Columns {
            tags: &tags,
            labels: &config.labels,
            bound: BoundConfig {
                max_values: config.max_values,
                ..BoundConfig::default()
            },
            outcomes: &mut outcomes,
            columns: Vec::new(),
        };
        let groups = config
            .metrics
            .map(|metrics| Group::all(metrics, &mut columns, &series));
        series.limit(config.max_series);
        let columns = columns.columns;
        let headers = |phase: Phase| {
            let tags = tags.iter().filter(|tag| tag.phase == phase);
            tags.map(Tag::headers).sum::<usize>()
        };
        let of_labels = columns.iter().filter_map(Column::expression);
        let at_end = of_labels.map(Expression::headers).sum::<usize>();
        Policy {
            has_response_tags: tags.iter().any(|tag| tag.phase == Phase::Response),
            has_later_tags: !tags.iter().all(Tag::is_final_at_once),
            keeps_tags: tags.iter().any(Tag::is_kept),
            prefetch_request_headers: headers(Phase::Request) > 1,
            prefetch_request_headers_at_end: at_end.saturating_add(headers(Phase::End)) > 1,
            groups,
            columns,
            series,
            most: config.max_series,
            outcomes,
            series_overflow,
            reporter: config.reporter,
            host_header: config.host_header_fallback,
            proxy: OnceCell::new(),
            peers: Peers::default(),
            services: Services::default(),
            room: RefCell::default(),
            tags,
        }
    }

    /// Everything that can be counted beside the series.
    pub fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    /// What is in force: the number of tags, and the metrics that are on.
    pub fn summary(&self) -> String {
        let metrics = |groups: &Vec<Group>| {
            let is_on = |metric: &Metric| groups.iter().any(|group| group.has(metric));
            let metrics = Metric::ALL.into_iter().filter(is_on);
            let names: Vec<&str> = metrics.map(Metric::name).collect();
            match names.is_empty() {
                true => "no metrics".to_owned(),
                false => names.join(", "),
            }
        };
        let [client, server] = self.groups.each_ref().map(metrics);
        let tags = self.tags.len();
        match client == server {
            true => format!("{tags} tags, {client}"),
            false => format!("{tags} tags, for clients {client}, for servers {server}"),
        }
    }

    /// Every expression.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let of_tags = self.tags.iter().filter_map(Tag::expression);
        of_tags.chain(self.columns.iter().filter_map(Column::expression))
    }

    /// The series of an id.
    pub fn series(&self, id: SeriesId) -> Option<Series> {
        self.series.find(id)
    }

    /// The tags that there are with the request's headers.
    pub fn on_request(&self, request: &Request, world: &dyn World, memory: &mut Memory) -> Record {
        if self.prefetch_request_headers {
            request.headers();
        }
        let claims = LazyClaims::default();
        let view = View {
            request: Some(request),
            response: None,
            claims: &claims,
            world,
        };
        self.tag(&view, memory, Phase::Request)
    }

    /// The tags that there are with the response's headers. Those of the request that are missing,
    /// because it never came by, cannot be read now.
    pub fn on_response(
        &self,
        response: &Response,
        world: &dyn World,
        memory: &mut Memory,
    ) -> Record {
        if !self.has_response_tags {
            return Record::default();
        }
        let claims = LazyClaims::default();
        let view = View {
            request: None,
            response: Some(response),
            claims: &claims,
            world,
        };
        self.tag(&view, memory, Phase::Response)
    }

    /// The rest of the tags, and the samples.
    pub fn on_end(
        &self,
        request: &Request,
        response: &Response,
        world: &dyn World,
        memory: &mut Memory,
    ) -> Record {
        let claims = LazyClaims::default();
        let view = View {
            request: Some(request),
            response: Some(response),
            claims: &claims,
            world,
        };
        if self.prefetch_request_headers_at_end {
            request.headers();
        }
        let mut record = self.tag(&view, memory, Phase::End);
        if self.columns.is_empty() && self.groups.iter().all(Vec::is_empty) {
            return record;
        }
        let proxy = self.proxy(world);
        let groups = self.groups.get(side(proxy)).map_or(&[][..], Vec::as_slice);
        let standard = Standard::new(view, request, proxy, &self.peers, &self.services);
        let mut room = self.room.take();
        let Room { values, key } = &mut room;
        values.clear();
        values.resize(self.columns.len(), None);
        for group in groups {
            key.clear();
            for place in &group.columns {
                if let (Some(value), Some(column)) =
                    (values.get_mut(*place), self.columns.get(*place))
                {
                    let read = || column.value(&standard, &memory.tags, &view, &mut record);
                    key.extend_from_slice(&value.get_or_insert_with(read).to_bytes());
                }
            }
            let row = group.row(key);
            for (index, one) in group.metrics.iter().enumerate() {
                if let Some(value) = one.metric.measure(world, || standard.is_grpc()) {
                    let known = row.and_then(|row| group.series(row, index));
                    let series =
                        known.or_else(|| self.series_of(group, key, index, world, &mut record));
                    let series = series.unwrap_or(one.overflow);
                    record.samples.push((series, value));
                }
            }
        }
        self.room.replace(room);
        record
    }

    fn proxy(&self, world: &dyn World) -> &LocalProxy {
        self.proxy
            .get_or_init(|| LocalProxy::read(world, self.reporter, self.host_header))
    }

    /// Reads the tags that can be read now. At the end that is all of them.
    fn tag(&self, view: &View<'_>, memory: &mut Memory, now: Phase) -> Record {
        let mut record = Record::default();
        if self.tags.is_empty() || memory.began && !self.has_later_tags && !memory.missed {
            return record;
        }
        let side = side(self.proxy(view.world));
        if self.keeps_tags && memory.tags.is_empty() {
            memory.tags = Vec::with_capacity(self.tags.len());
            memory.tags.resize_with(self.tags.len(), || None);
        }
        if now == Phase::Request {
            record.state = Vec::with_capacity(self.tags.len());
        }
        let is_hidden = now == Phase::Request && !view.world.shows_stream();
        let mut missed = false;
        for (place, tag) in self.tags.iter().enumerate() {
            if is_hidden && tag.needs_stream() {
                missed = true;
                continue;
            }
            let mut kept = memory.tags.get_mut(place);
            let due = match kept.as_deref() {
                Some(Some(value)) => now == Phase::End && value.early.is_some(),
                _ if memory.missed && tag.needs_stream() => now == Phase::End,
                _ if memory.began && tag.is_final_at_once() => false,
                _ => now == tag.phase || now == Phase::End,
            };
            if due {
                let before = kept.as_deref_mut().and_then(Option::take);
                let value = tag.read(side, view, now, before, &mut record);
                if let Some(kept) = kept {
                    *kept = value;
                }
            }
        }
        memory.began |= now == Phase::Request;
        memory.missed |= missed;
        record
    }

    /// The series of a metric, by its place in a group: beyond the ceiling the first one that there may be
    /// with fewer and fewer labels; none where there may be none of them.
    fn series_of(
        &self,
        group: &Group,
        key: &[u8],
        metric: usize,
        world: &dyn World,
        record: &mut Record,
    ) -> Option<SeriesId> {
        if let Some(series) = self.find(group, key, metric, 0, world) {
            return Some(series);
        }
        note(record, self.series_overflow);
        let choice = Choice {
            columns: &self.columns,
            tags: &self.tags,
            name: &group.name,
            most: self.most,
            room: self.series.room(),
            world,
        };
        let mut without = |step| group.dropped.without(step, key, group, &choice, record);
        for step in 0..STEPS {
            let key = without(step);
            let steps = step.saturating_add(1);
            if let Some(series) = self.find(group, &key, metric, steps, world) {
                return Some(series);
            }
        }
        without(STEPS);
        None
    }

    fn find(
        &self,
        group: &Group,
        key: &[u8],
        metric: usize,
        steps: usize,
        world: &dyn World,
    ) -> Option<SeriesId> {
        group.find(key, metric).or_else(|| {
            let values = group::values(key);
            let labels = column::labels(&self.columns, &self.tags, &group.columns, values);
            group.admit(key, metric, &self.series, labels, steps, world)
        })
    }
}

/// Counts an outcome, once a stream however often it came about.
fn note(record: &mut Record, outcome: OutcomeId) {
    if !record.outcomes().any(|noted| noted == outcome) {
        record.add(outcome);
    }
}

fn side(proxy: &LocalProxy) -> usize {
    usize::from(proxy.reporter != Reporter::Source)
}
