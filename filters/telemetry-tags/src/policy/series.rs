//! Every series there is, and the ceiling on their number.

use std::cell::RefCell;
use std::rc::Rc;

use sdk_helpers::{Series, World};

use crate::bound::Ceiling;
use crate::metric::Metric;

/// The series of all metrics, by place.
#[derive(Debug)]
pub(super) struct AllSeries {
    /// Before the name of each metric.
    prefix: String,
    ceiling: Ceiling,
    /// Each metric with its labels.
    list: RefCell<Vec<(Metric, Rc<str>)>>,
}

impl AllSeries {
    pub(super) fn new(prefix: String, most: u32) -> Self {
        AllSeries {
            prefix,
            ceiling: Ceiling::new("series".to_owned(), most),
            list: RefCell::default(),
        }
    }

    /// Adds a series; its place, or `None` where it would be one too many.
    pub(super) fn admit(
        &self,
        metric: Metric,
        labels: Rc<str>,
        world: &dyn World,
    ) -> Option<usize> {
        let name = self.name(metric, &labels);
        let admitted = self.ceiling.admits(world, &name);
        admitted.then(|| self.add(metric, labels))
    }

    /// Adds one whatever the ceiling.
    pub(super) fn add(&self, metric: Metric, labels: Rc<str>) -> usize {
        let mut list = self.list.borrow_mut();
        list.push((metric, labels));
        list.len().saturating_sub(1)
    }

    fn name(&self, metric: Metric, labels: &str) -> String {
        format!("{}{}{labels}", self.prefix, metric.name())
    }

    /// The series at a place.
    pub(super) fn at(&self, place: usize) -> Option<Series> {
        let list = self.list.borrow();
        let (metric, labels) = list.get(place)?;
        Some(Series {
            is_histogram: metric.is_histogram(),
            name: self.name(*metric, labels),
        })
    }
}
