//! What is computed from the rounds: figures, their spread, and ratios taken within one round.

use super::report::{Footprint, Measured, Round, Series};
use super::stats::Spread;

/// Something a budget can speak of. Times are in microseconds, sizes in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Added processor time a request where something is taken off, else all of it.
    Cost,
    /// All processor time a request.
    Cpu,
    /// The shortest latency.
    Min,
    /// The median latency.
    P50,
    /// Its 90th percentile.
    P90,
    /// Its 99th percentile.
    P99,
    /// Answers a second.
    Rate,
    /// Host calls a request.
    Calls,
    /// Instructions of wasm a request.
    Instructions,
    /// The length of the modules.
    Bytes,
    /// RAM for them with one worker.
    Memory,
    /// RAM that each further worker adds.
    Worker,
}

impl Figure {
    /// By the name that a budget uses.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "added" => Self::Cost,
            "cpu" => Self::Cpu,
            "min" => Self::Min,
            "p50" => Self::P50,
            "p90" => Self::P90,
            "p99" => Self::P99,
            "rate" => Self::Rate,
            "calls" => Self::Calls,
            "instructions" => Self::Instructions,
            "bytes" => Self::Bytes,
            "memory" => Self::Memory,
            "worker" => Self::Worker,
            _ => return None,
        })
    }
}

impl Round {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    fn value(&self, figure: Figure) -> Option<f64> {
        Some(match figure {
            Figure::Cost | Figure::Cpu => self.cpu as f64 / 1_000.0 / self.requests as f64,
            Figure::Min => self.min as f64,
            Figure::P50 => self.p50 as f64,
            Figure::P90 => self.p90 as f64,
            Figure::P99 => self.p99 as f64,
            Figure::Rate => self.requests as f64 * 1_000_000.0 / self.duration as f64,
            Figure::Calls
            | Figure::Instructions
            | Figure::Bytes
            | Figure::Memory
            | Figure::Worker => return None,
        })
    }
}

impl Measured {
    /// A variant by its name.
    pub fn variant(&self, name: &str) -> Option<&Series> {
        self.variants.iter().find(|series| series.name == name)
    }

    /// How many rounds there were.
    pub fn rounds(&self) -> usize {
        self.variants
            .first()
            .map_or(0, |series| series.rounds.len())
    }

    /// A figure of a variant in one round; what is not measured in rounds is the same in all.
    pub fn value(
        &self,
        footprints: &[Footprint],
        variant: &str,
        figure: Figure,
        round: usize,
    ) -> Option<f64> {
        let series = self.variant(variant)?;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let weight = |of: fn(&Footprint) -> i64| {
            let found = footprints.iter().find(|one| one.modules == series.modules);
            found.map(|one| of(one) as f64)
        };
        match figure {
            Figure::Calls => Some(series.calls()),
            Figure::Instructions => Some(series.instructions),
            Figure::Bytes => weight(|one| one.bytes.cast_signed()),
            Figure::Memory => weight(|one| one.memory),
            Figure::Worker => weight(Footprint::worker),
            Figure::Cost => {
                let cost = series.rounds.get(round)?.value(figure)?;
                let Some(over) = &series.over else {
                    return Some(cost);
                };
                let taken_off = self.variant(over)?.rounds.get(round)?.value(figure)?;
                Some(cost - taken_off)
            }
            _ => series.rounds.get(round)?.value(figure),
        }
    }

    /// A figure of a variant over all rounds.
    pub fn spread(&self, variant: &str, figure: Figure) -> Option<Spread> {
        let rounds = 0..self.rounds();
        Spread::of(rounds.filter_map(|round| self.value(&[], variant, figure, round)))
    }

    /// What a variant costs, divided within each round by what the one beside it costs; `None`
    /// where that is lost in the noise, because a quotient by nearly nothing says nothing.
    pub fn ratio(&self, series: &Series) -> Option<Spread> {
        let against = series.against.as_ref()?;
        self.spread(against, Figure::Cost)
            .filter(|cost| cost.low > 0.0)?;
        let rounds = 0..self.rounds();
        Spread::of(rounds.filter_map(|round| {
            let cost = |name: &str| self.value(&[], name, Figure::Cost, round);
            Some(cost(&series.name)? / cost(against)?)
        }))
    }
}

impl Footprint {
    /// What each further worker needs, by the most workers that were measured.
    pub fn worker(&self) -> i64 {
        match self.memory_four {
            Some(four) => (four - self.memory) / 3,
            None => self.memory_two - self.memory,
        }
    }
}

impl Series {
    /// Host calls of one request.
    pub fn calls(&self) -> f64 {
        self.host_calls.values().fold(0.0, |sum, count| sum + count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::sample;

    #[test]
    fn costs_are_taken_off_round_by_round() {
        let measured = &sample::report().scenarios[0];
        // The slow second round is slow for all of them.
        let added = measured.spread("ours", Figure::Cost).unwrap();
        assert!((added.median - 1.5).abs() < 1e-9, "{added:?}");
        let all = measured.spread("ours", Figure::Cpu).unwrap();
        assert!((all.median - 22.4).abs() < 1e-9, "{all:?}");
        let ratio = measured.ratio(&measured.variants[2]).unwrap();
        assert!((ratio.median - 1.5).abs() < 1e-9, "{ratio:?}");
        assert_eq!(measured.ratio(&measured.variants[1]), None);
        let mut free = measured.clone();
        free.variants[1].rounds = free.variants[0].rounds.clone();
        assert_eq!(free.ratio(&free.variants[2]), None);
        let rate = measured.spread("ours", Figure::Rate).unwrap();
        assert!((rate.median - 20_000.0).abs() < 1e-6, "{rate:?}");
    }

    #[test]
    fn what_a_module_weighs_belongs_to_every_chain_that_has_it() {
        let report = sample::report();
        let value =
            |name: &str, figure| report.scenarios[0].value(&report.footprints, name, figure, 0);
        assert_eq!(value("ours", Figure::Memory), Some(25_000_000.0));
        assert_eq!(value("ours", Figure::Worker), Some(500_000.0));
        assert_eq!(value("ours", Figure::Bytes), Some(439_000.0));
        assert_eq!(value("ours", Figure::Calls), Some(2.0));
        assert_eq!(value("native", Figure::Memory), None);
    }
}
