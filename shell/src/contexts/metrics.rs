//! The statistics of one loaded filter: Envoy never frees one, so all are defined at load, but for
//! series whose number the filter itself bounds.

use std::cell::RefCell;

use super::host;
use super::types::MetricType;
use sdk_helpers::chain::{Chain, Stage};
use sdk_helpers::ids::{ById, GaugeId, OutcomeId, SeriesId};
use sdk_helpers::outcome::Outcome;
use sdk_helpers::statistic::Series;

#[derive(Debug)]
pub(super) struct Metrics {
    in_force: InForce,
    outcomes: ById<OutcomeId, Option<u32>>,
    /// How many streams are delayed.
    pub(super) active: Option<u32>,
    gauges: ById<GaugeId, Option<u32>>,
    /// `None` where nothing was counted yet.
    series: RefCell<ById<SeriesId, Option<u32>>>,
}

impl Metrics {
    /// Defines them.
    pub(super) fn define<C: Chain>(chain: &C, stage: usize, of: &Stage) -> Self {
        let name = of.name;
        Metrics {
            in_force: InForce::define(name, of.hash),
            outcomes: chain
                .outcomes(stage)
                .map(|outcome| host::define_metric(MetricType::Counter, &series(name, outcome))),
            active: of.needs.delays.then(|| gauge(name, "active")).flatten(),
            gauges: chain
                .gauges(stage)
                .map(|one| gauge(name, &format!("{}[policy={}]", one.name, one.policy))),
            series: RefCell::default(),
        }
    }

    /// Says what is running. Not before it is: a configuration that is refused must not be shown as
    /// the one in force.
    pub(super) fn in_force(&self) {
        self.in_force.set();
    }

    /// Adds to a series of the filter's own, which its first sample defines.
    pub(super) fn sample(
        &self,
        series_of: impl FnOnce(SeriesId) -> Option<Series>,
        id: SeriesId,
        value: u64,
    ) {
        let mut series = self.series.borrow_mut();
        let Some(metric) = series.kept(id) else {
            return;
        };
        if metric.is_none() {
            *metric = series_of(id).and_then(|series| {
                let kind = match series.is_histogram {
                    true => MetricType::Histogram,
                    false => MetricType::Counter,
                };
                host::define_metric(kind, &series.name)
            });
        }
        if let Some(metric) = *metric {
            host::set_metric(metric, value);
        }
    }

    pub(super) fn count(&self, outcome: OutcomeId) {
        if let Some(Some(counter)) = self.outcomes.get(outcome) {
            host::add_metric(*counter, 1);
        }
    }

    /// Sets a gauge of the filter's own.
    pub(super) fn set(&self, gauge: GaugeId, value: u64) {
        if let Some(Some(gauge)) = self.gauges.get(gauge) {
            host::set_metric(*gauge, value);
        }
    }
}

/// Which build of a filter it is, and which configuration.
#[derive(Debug)]
pub(super) struct InForce {
    build_info: Option<u32>,
    config_hash: Option<u32>,
    hash: u32,
}

impl InForce {
    pub(super) fn define(name: &str, hash: u32) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        InForce {
            build_info: gauge(name, &format!("build_info[version={version}]")),
            config_hash: gauge(name, "config_hash"),
            hash,
        }
    }

    pub(super) fn set(&self) {
        let values = [(self.build_info, 1), (self.config_hash, self.hash.into())];
        for (gauge, value) in values {
            if let Some(gauge) = gauge {
                host::set_metric(gauge, value);
            }
        }
    }
}

fn gauge(filter: &str, name: &str) -> Option<u32> {
    let name = ["mesh_filters.", filter, ".", name].concat();
    host::define_metric(MetricType::Gauge, &name)
}

/// `mesh_filters.<filter>.<reason>[policy=…]`; the shipped `stats_tags` turn the bracket into a label.
fn series(filter: &str, outcome: &Outcome) -> String {
    let reason = outcome.reason;
    match &outcome.policy {
        Some(policy) => format!("mesh_filters.{filter}.{reason}[policy={policy}]"),
        None => format!("mesh_filters.{filter}.{reason}"),
    }
}
