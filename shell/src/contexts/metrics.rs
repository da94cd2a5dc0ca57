//! The statistics of one loaded filter: Envoy never frees one, so all are defined at load, but for
//! series whose number the filter itself bounds.

use std::cell::RefCell;

use super::host;
use super::types::MetricType;
use sdk_helpers::filter::Filter;
use sdk_helpers::ids::{ById, GaugeId, OutcomeId, SeriesId};
use sdk_helpers::outcome::Outcome;

#[derive(Debug)]
pub(super) struct Metrics {
    /// Which build it is, and which configuration: set when it is in force.
    build_info: Option<u32>,
    config_hash: Option<u32>,
    outcomes: ById<OutcomeId, Option<u32>>,
    /// How many streams are delayed.
    pub(super) active: Option<u32>,
    gauges: ById<GaugeId, Option<u32>>,
    /// `None` where nothing was counted yet.
    series: RefCell<ById<SeriesId, Option<u32>>>,
}

impl Metrics {
    /// Defines them.
    pub(super) fn define<F: Filter>(filter: &F) -> Self {
        let name = F::NAME;
        let gauge = |suffix: &str| {
            host::define_metric(MetricType::Gauge, &format!("mesh_filters.{name}.{suffix}"))
        };
        let version = env!("CARGO_PKG_VERSION");
        Metrics {
            build_info: gauge(&format!("build_info[version={version}]")),
            config_hash: gauge("config_hash"),
            outcomes: filter
                .outcomes()
                .map(|outcome| host::define_metric(MetricType::Counter, &series(name, outcome))),
            active: F::NEEDS.delays.then(|| gauge("active")).flatten(),
            gauges: filter
                .gauges()
                .map(|one| gauge(&format!("{}[policy={}]", one.name, one.policy))),
            series: RefCell::default(),
        }
    }

    /// Says what is running. Not before it is: a configuration that is refused must not be shown as
    /// the one in force.
    pub(super) fn in_force(&self, hash: u32) {
        for (gauge, value) in [(self.build_info, 1), (self.config_hash, hash.into())] {
            if let Some(gauge) = gauge {
                host::set_metric(gauge, value);
            }
        }
    }

    /// Adds to a series of the filter's own, which its first sample defines.
    pub(super) fn sample<F: Filter>(&self, filter: &F, id: SeriesId, value: u64) {
        let mut series = self.series.borrow_mut();
        let Some(metric) = series.kept(id) else {
            return;
        };
        if metric.is_none() {
            *metric = filter.series(id).and_then(|series| {
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

/// `mesh_filters.<filter>.<reason>[policy=…]`; the shipped `stats_tags` turn the bracket into a label.
fn series(filter: &str, outcome: &Outcome) -> String {
    let reason = outcome.reason;
    match &outcome.policy {
        Some(policy) => format!("mesh_filters.{filter}.{reason}[policy={policy}]"),
        None => format!("mesh_filters.{filter}.{reason}"),
    }
}
