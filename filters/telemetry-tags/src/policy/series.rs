//! Every series there is, and the ceiling on their number.

use std::cell::RefCell;
use std::rc::Rc;

use sdk_helpers::{ById, Series, SeriesId, World};

use crate::bound::Ceiling;
use crate::metric::Metric;

/// The series of all metrics.
#[derive(Debug)]
pub(super) struct AllSeries {
    /// Before the name of each metric.
    prefix: String,
    /// By how much of its labels a series gives up: at first nothing, and then a step each. What gives up
    /// less leaves room for what gives up more.
    ceilings: Vec<Ceiling>,
    /// What series with all their labels leave to others.
    kept: u32,
    /// Each metric with its labels.
    list: RefCell<ById<SeriesId, (Metric, Rc<str>)>>,
}

impl AllSeries {
    pub(super) fn new(prefix: String) -> Self {
        AllSeries {
            prefix,
            ceilings: Vec::new(),
            kept: 0,
            list: RefCell::default(),
        }
    }

    /// From now on there may be `most`, with those there are already.
    pub(super) fn limit(&mut self, most: u32) {
        let list = self.list.get_mut();
        let mut there: Vec<&(Metric, Rc<str>)> = Vec::new();
        for one in list.iter() {
            if !there.contains(&one) {
                there.push(one);
            }
        }
        let there = u32::try_from(there.len()).unwrap_or(u32::MAX);
        let most = most.saturating_sub(there);
        let kept = reserve(most);
        let of = |kept: u32| Ceiling::new("series".to_owned(), most.saturating_sub(kept));
        self.ceilings = vec![of(kept), of(kept / 2), of(kept / 4), of(0)];
        self.kept = kept;
    }

    /// A good size for the series that are left after the first step.
    pub(super) fn room(&self) -> usize {
        self.kept as usize / 4
    }

    /// Adds a series with the labels that are left after `steps`; `None` where it would be one too many.
    pub(super) fn admit(
        &self,
        metric: Metric,
        labels: Rc<str>,
        steps: usize,
        world: &dyn World,
    ) -> Option<SeriesId> {
        let name = self.name(metric, &labels);
        let ceiling = self.ceilings.get(steps)?;
        let admitted = ceiling.admits(world, &name);
        admitted.then(|| self.add(metric, labels))
    }

    /// Adds one whatever the ceiling.
    pub(super) fn add(&self, metric: Metric, labels: Rc<str>) -> SeriesId {
        self.list.borrow_mut().add((metric, labels))
    }

    fn name(&self, metric: Metric, labels: &str) -> String {
        format!("{}{}{labels}", self.prefix, metric.name())
    }

    /// The series of an id.
    pub(super) fn find(&self, id: SeriesId) -> Option<Series> {
        let list = self.list.borrow();
        let (metric, labels) = list.get(id)?;
        Some(Series {
            is_histogram: metric.is_histogram(),
            name: self.name(*metric, labels),
        })
    }
}

/// How many of `most` series are kept for those that have dropped labels: a quarter, and of few up to half, so
/// that the response codes of all metrics find room.
fn reserve(most: u32) -> u32 {
    (most / 4).max((most / 2).min(64))
}
