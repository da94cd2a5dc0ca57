//! Metrics: stats shared by all workers, and the numbers by which each VM knows them.

use super::status::Status;
use std::collections::BTreeMap;

/// The two low bits of a metric's number say what it is.
const KIND: u32 = 3;
const COUNTER: u32 = 0;
const GAUGE: u32 = 1;
const HISTOGRAM: u32 = 2;

/// The stats themselves: same kind and name, same stat, whichever VM asks.
#[derive(Default)]
pub(crate) struct Metrics {
    counters: BTreeMap<String, u64>,
    gauges: BTreeMap<String, u64>,
    histograms: BTreeMap<String, Vec<u64>>,
}

impl Metrics {
    /// A counter's or gauge's value.
    pub(crate) fn value(&self, name: &str) -> Option<u64> {
        let value = self.counters.get(name).or_else(|| self.gauges.get(name));
        value.copied()
    }

    /// Sets a gauge for the test, which makes it if no VM has.
    pub(crate) fn set_by_name(&mut self, name: &str, value: u64) {
        self.gauges.insert(name.to_owned(), value);
    }

    pub(crate) fn samples(&self, name: &str) -> Vec<u64> {
        self.histograms.get(name).cloned().unwrap_or_default()
    }

    /// Every defined name, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let scalars = self.counters.keys().chain(self.gauges.keys());
        let mut names: Vec<_> = scalars.chain(self.histograms.keys()).cloned().collect();
        names.sort();
        names
    }
}

/// One VM's numbers for stats. Each definition gives a new number, even for a name already defined.
pub(crate) struct MetricIds {
    names: BTreeMap<u32, String>,
    next: [u32; 3],
}

impl Default for MetricIds {
    fn default() -> Self {
        let next = [COUNTER, GAUGE, HISTOGRAM];
        let names = BTreeMap::new();
        Self { names, next }
    }
}

impl MetricIds {
    pub(crate) fn define(
        &mut self,
        metrics: &mut Metrics,
        kind: u32,
        name: String,
    ) -> Result<u32, Status> {
        let [counter, gauge, histogram] = &mut self.next;
        let next = match kind {
            COUNTER => {
                metrics.counters.entry(name.clone()).or_default();
                counter
            }
            GAUGE => {
                metrics.gauges.entry(name.clone()).or_default();
                gauge
            }
            HISTOGRAM => {
                metrics.histograms.entry(name.clone()).or_default();
                histogram
            }
            _ => return Err(Status::BadArgument),
        };
        *next += KIND + 1;
        self.names.insert(*next, name);
        Ok(*next)
    }

    /// Adds to a counter or gauge. A counter takes only positive offsets.
    pub(crate) fn increment(
        &self,
        metrics: &mut Metrics,
        id: u32,
        offset: i64,
    ) -> Result<(), Status> {
        match id & KIND {
            COUNTER => {
                let value = self.stat(&mut metrics.counters, id)?;
                if offset <= 0 {
                    return Err(Status::BadArgument);
                }
                *value = value.wrapping_add_signed(offset);
            }
            GAUGE => {
                let value = self.stat(&mut metrics.gauges, id)?;
                *value = value.wrapping_add_signed(offset);
            }
            _ => return Err(Status::BadArgument),
        }
        Ok(())
    }

    /// Adds to a counter, sets a gauge, notes a histogram's sample.
    pub(crate) fn record(&self, metrics: &mut Metrics, id: u32, value: u64) -> Result<(), Status> {
        match id & KIND {
            COUNTER => {
                let sum = self.stat(&mut metrics.counters, id)?;
                *sum = sum.wrapping_add(value);
            }
            GAUGE => *self.stat(&mut metrics.gauges, id)? = value,
            HISTOGRAM => self.stat(&mut metrics.histograms, id)?.push(value),
            _ => return Err(Status::NotFound),
        }
        Ok(())
    }

    pub(crate) fn read(&self, metrics: &mut Metrics, id: u32) -> Result<u64, Status> {
        match id & KIND {
            COUNTER => self.stat(&mut metrics.counters, id).copied(),
            GAUGE => self.stat(&mut metrics.gauges, id).copied(),
            _ => Err(Status::BadArgument),
        }
    }

    fn stat<'a, T>(
        &self,
        stats: &'a mut BTreeMap<String, T>,
        id: u32,
    ) -> Result<&'a mut T, Status> {
        let name = self.names.get(&id).ok_or(Status::NotFound)?;
        stats.get_mut(name).ok_or(Status::NotFound)
    }
}
