//! Metrics with the same labels, and where their series are.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use sdk_helpers::text::same;
use sdk_helpers::{SeriesId, World};

use super::column::{Columns, labels};
use super::dropped::{DroppedLabels, without};
use super::series::AllSeries;
use crate::bound::ValueId;
use crate::config::MetricConfig;
use crate::metric::Metric;

#[derive(Debug)]
pub(super) struct Group {
    pub(super) metrics: Vec<GroupMetric>,
    /// The places of the labels.
    pub(super) columns: Vec<usize>,
    /// The labels with their overflow values.
    pub(super) name: Rc<str>,
    pub(super) dropped: DroppedLabels,
    known: RefCell<KnownSeries>,
}

/// A metric of a group.
#[derive(Debug)]
pub(super) struct GroupMetric {
    pub(super) metric: Metric,
    /// Its series for everything beyond the ceiling.
    pub(super) overflow: SeriesId,
}

/// Which series there are, by the values of their labels.
#[derive(Debug, Default)]
struct KnownSeries {
    rows: HashMap<Vec<u8>, u32>,
    /// For each row one a metric; `None` for one that nothing was counted in yet.
    series: Vec<Option<SeriesId>>,
    /// The row asked for last, which is mostly asked for next.
    last: Option<(Vec<u8>, usize)>,
}

impl Group {
    /// Groups the metrics of one side.
    pub(super) fn all(
        metrics: Vec<MetricConfig>,
        columns: &mut Columns<'_>,
        series: &AllSeries,
    ) -> Vec<Self> {
        let mut groups: Vec<(Vec<Metric>, Vec<usize>)> = Vec::new();
        for MetricConfig { metric, overrides } in metrics {
            let places = columns.of_metric(metric, &overrides);
            match groups.iter_mut().find(|(_, known)| *known == places) {
                Some((metrics, _)) => metrics.push(metric),
                None => groups.push((vec![metric], places)),
            }
        }
        let groups = groups.into_iter().map(|(metrics, places)| {
            let beyond = std::iter::repeat(ValueId::OVERFLOW);
            let labels: Rc<str> = labels(&columns.columns, columns.tags, &places, beyond).into();
            let metrics = metrics.into_iter().map(|metric| GroupMetric {
                metric,
                overflow: series.add(metric, Rc::clone(&labels)),
            });
            Group {
                metrics: metrics.collect(),
                columns: places,
                name: labels,
                dropped: DroppedLabels::default(),
                known: RefCell::default(),
            }
        });
        groups.collect()
    }

    /// Whether it has this metric.
    pub(super) fn has(&self, metric: &Metric) -> bool {
        self.metrics.iter().any(|one| one.metric == *metric)
    }

    /// The row of labels with these values, if anything was counted with them.
    pub(super) fn row(&self, key: &[u8]) -> Option<usize> {
        let mut known = self.known.borrow_mut();
        let KnownSeries { rows, last, .. } = &mut *known;
        match last {
            Some((last, row)) if same(last, key) => Some(*row),
            _ => {
                let row = *rows.get(key)? as usize;
                let (last, at) = last.get_or_insert_default();
                key.clone_into(last);
                *at = row;
                Some(row)
            }
        }
    }

    /// The series of a metric in a row, by its place in this group.
    pub(super) fn series(&self, row: usize, metric: usize) -> Option<SeriesId> {
        let known = self.known.borrow();
        known.series.get(self.at(row, metric)).copied().flatten()
    }

    /// The series of a metric, by its place in this group, for labels with these values.
    pub(super) fn find(&self, key: &[u8], metric: usize) -> Option<SeriesId> {
        self.series(self.row(key)?, metric)
    }

    /// Adds a series with the labels that are left after `steps`, if the ceiling allows it; `None` beyond.
    pub(super) fn admit(
        &self,
        key: &[u8],
        metric: usize,
        series: &AllSeries,
        labels: String,
        steps: usize,
        world: &dyn World,
    ) -> Option<SeriesId> {
        let which = self.metrics.get(metric)?.metric;
        let admitted = series.admit(which, labels.into(), steps, world)?;
        let mut known = self.known.borrow_mut();
        let next = u32::try_from(known.rows.len()).unwrap_or_default();
        let row = *known.rows.entry(key.to_vec()).or_insert(next) as usize;
        let rows = known.rows.len();
        let size = self.at(rows, 0);
        known.series.resize(size, None);
        if let Some(there) = known.series.get_mut(self.at(row, metric)) {
            *there = Some(admitted);
        }
        Some(admitted)
    }

    /// Whether the series known here would be at most `most` without the labels at these places.
    pub(super) fn fits_without(&self, dropped: &[u8], most: usize) -> bool {
        let known = self.known.borrow();
        let most = most / self.metrics.len().max(1);
        let mut left = HashMap::<Vec<u8>, u32>::new();
        for key in known.rows.keys() {
            left.insert(without(key, dropped), 0);
            if left.len() > most {
                return false;
            }
        }
        true
    }

    fn at(&self, row: usize, metric: usize) -> usize {
        row.saturating_mul(self.metrics.len())
            .saturating_add(metric)
    }
}

/// The values of a key.
pub(super) fn values(key: &[u8]) -> impl Iterator<Item = ValueId> {
    key.chunks_exact(4).map(ValueId::from_bytes)
}
