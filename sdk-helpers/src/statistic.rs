//! Statistics of a filter's own, beside the counters of its outcomes.

use crate::ids::{ById, GaugeId};

/// A value that goes up and down: how old keys are, say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gauge {
    /// In Envoy `mesh_filters.<filter>.<name>[policy=…]`; listed in the filter's README.
    pub name: &'static str,
    /// The policy or rule it is of.
    pub policy: String,
}

/// All gauges of a loaded filter.
#[derive(Debug, Default)]
pub struct Gauges(ById<GaugeId, Gauge>);

/// What a filter without gauges has.
static NONE: Gauges = Gauges(ById::new());

impl Gauges {
    /// No gauges.
    pub fn none() -> &'static Self {
        &NONE
    }

    /// Adds a gauge.
    pub fn add(&mut self, name: &'static str, policy: &str) -> GaugeId {
        self.0.add(Gauge {
            name,
            policy: policy.to_owned(),
        })
    }

    /// Looks one up.
    pub fn find(&self, id: GaugeId) -> Option<&Gauge> {
        self.0.get(id)
    }

    /// All of them, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Gauge> {
        self.0.iter()
    }

    /// What is known of each, by the same ids.
    pub fn map<T>(&self, what: impl FnMut(&Gauge) -> T) -> ById<GaugeId, T> {
        self.0.map(what)
    }
}

/// A statistic under a name that is only known when there is something to count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Whether each value is kept, as a histogram does, or only their sum.
    pub is_histogram: bool,
    /// The name, with labels as `[key=value]` behind it.
    pub name: String,
}
