//! What was measured, raw: the JSON that is kept, and the figures that are computed from it.
//!
//! Only raw rounds are kept, so that a later reader may compute something else from them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::load::Figures;
use super::machine::Machine;
use super::stats::Spread;

/// One run of the benchmark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Where it ran.
    pub machine: Machine,
    /// What the modules weigh.
    pub footprints: Vec<Footprint>,
    /// What was measured under load.
    pub scenarios: Vec<Measured>,
}

/// What the modules of a chain weigh, all together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footprint {
    /// Their names, in order.
    pub modules: Vec<String>,
    /// The length of the files.
    pub bytes: u64,
    /// What one worker's Envoy needs more of RAM than without them, in bytes.
    pub memory: i64,
    /// What two workers' Envoy needs more.
    pub memory_two: i64,
}

/// A scenario's rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The scenario's name.
    pub name: String,
    /// What it shows.
    pub description: String,
    /// Connections that sent at the same time.
    pub connections: u32,
    /// Seconds of load in each round.
    pub seconds: u32,
    /// The budget, as written.
    pub budget: Vec<String>,
    /// The variants, in the order of the scenario.
    pub variants: Vec<Series>,
}

/// A variant's rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The variant's name.
    pub name: String,
    /// The variant whose cost is taken off.
    pub over: Option<String>,
    /// The variant it is compared with.
    pub against: Option<String>,
    /// The modules in its chain.
    pub modules: Vec<String>,
    /// Host calls of one request, by name; on average if the requests differ.
    pub host_calls: BTreeMap<String, f64>,
    /// One for each round.
    pub rounds: Vec<Round>,
}

/// One time under load. Latencies are in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// Answers.
    pub requests: u64,
    /// How long it took, in microseconds.
    pub duration: u64,
    /// Processor time of Envoy's process, in nanoseconds.
    pub cpu: u64,
    /// The shortest latency.
    pub min: u64,
    /// The median.
    pub p50: u64,
    /// The latency nine in ten requests did not exceed.
    pub p90: u64,
    /// The latency 99 in a hundred did not exceed.
    pub p99: u64,
    /// The longest latency.
    pub max: u64,
}

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
    /// The length of the modules.
    Bytes,
    /// RAM for them with one worker.
    Memory,
    /// RAM that a second worker adds.
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
            "bytes" => Self::Bytes,
            "memory" => Self::Memory,
            "worker" => Self::Worker,
            _ => return None,
        })
    }
}

impl Round {
    /// What was counted, and what Envoy needed for it.
    pub fn new(figures: &Figures, cpu: u64) -> Self {
        Self {
            requests: figures.requests,
            duration: figures.duration,
            cpu,
            min: figures.min,
            p50: figures.p50,
            p90: figures.p90,
            p99: figures.p99,
            max: figures.max,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    fn value(&self, figure: Figure) -> Option<f64> {
        Some(match figure {
            Figure::Cost | Figure::Cpu => self.cpu as f64 / 1_000.0 / self.requests as f64,
            Figure::Min => self.min as f64,
            Figure::P50 => self.p50 as f64,
            Figure::P90 => self.p90 as f64,
            Figure::P99 => self.p99 as f64,
            Figure::Rate => self.requests as f64 * 1_000_000.0 / self.duration as f64,
            Figure::Calls | Figure::Bytes | Figure::Memory | Figure::Worker => return None,
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
            Figure::Bytes => weight(|one| one.bytes.cast_signed()),
            Figure::Memory => weight(|one| one.memory),
            Figure::Worker => weight(|one| one.memory_two - one.memory),
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

    /// What a variant costs, divided within each round by what the one beside it costs.
    pub fn ratio(&self, series: &Series) -> Option<Spread> {
        let against = series.against.as_ref()?;
        let rounds = 0..self.rounds();
        Spread::of(rounds.filter_map(|round| {
            let cost = |name: &str| self.value(&[], name, Figure::Cost, round);
            Some(cost(&series.name)? / cost(against)?)
        }))
    }
}

impl Series {
    /// Host calls of one request.
    pub fn calls(&self) -> f64 {
        self.host_calls.values().sum()
    }
}

impl Report {
    /// Reads one that was written earlier.
    ///
    /// # Errors
    /// If there is none, or it is something else.
    pub fn read(path: &Path) -> Result<Self, String> {
        let problem = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| problem(&error))?;
        serde_json::from_str(&text).map_err(|error| problem(&error))
    }

    /// Writes it as JSON.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        let problem = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = serde_json::to_string_pretty(self).map_err(|error| problem(&error))?;
        std::fs::write(path, text + "\n").map_err(|error| problem(&error))
    }
}

/// A report with round figures, for tests.
#[cfg(test)]
pub(super) mod sample {
    use super::*;

    /// A round of 1,000 requests at this many nanoseconds each.
    pub(crate) fn round(cpu: u64) -> Round {
        Round {
            requests: 1_000,
            duration: 50_000,
            cpu: cpu * 1_000,
            min: 100,
            p50: 400,
            p90: 900,
            p99: 2_000,
            max: 9_000,
        }
    }

    fn series(name: &str, modules: &[&str], costs: [u64; 3]) -> Series {
        Series {
            name: name.to_owned(),
            over: (name != "empty").then(|| "empty".to_owned()),
            against: (name == "ours").then(|| "native".to_owned()),
            modules: modules.iter().map(ToString::to_string).collect(),
            host_calls: modules
                .iter()
                .map(|_| ("proxy_log".to_owned(), 2.0))
                .collect(),
            rounds: costs.map(round).into(),
        }
    }

    pub(crate) fn report() -> Report {
        Report {
            machine: Machine {
                cores: 2,
                cpu: "a processor".to_owned(),
                envoy: "1.40.0".to_owned(),
                commit: Some("abc1234".to_owned()),
                load: Some("0.10".to_owned()),
            },
            footprints: vec![Footprint {
                modules: vec!["fault-injection".to_owned()],
                bytes: 439_000,
                memory: 25_000_000,
                memory_two: 26_000_000,
            }],
            scenarios: vec![Measured {
                name: "idle".to_owned(),
                description: "nothing happens".to_owned(),
                connections: 16,
                seconds: 2,
                budget: vec![
                    "ours <= 2 * native".to_owned(),
                    "ours.memory <= 30 MB".to_owned(),
                ],
                variants: vec![
                    series("empty", &[], [20_000, 30_000, 21_000]),
                    series("native", &[], [21_000, 31_000, 22_000]),
                    series("ours", &["fault-injection"], [21_500, 32_500, 22_400]),
                ],
            }],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back() {
        let folder = crate::envoy::Scratch::new();
        let path = folder.path().join("figures.json");
        let report = sample::report();
        report.write(&path).unwrap();
        assert_eq!(Report::read(&path).unwrap(), report);
        let error = Report::read(&folder.path().join("none.json")).unwrap_err();
        assert!(error.contains("none.json"), "{error}");
    }

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
        let rate = measured.spread("ours", Figure::Rate).unwrap();
        assert!((rate.median - 20_000.0).abs() < 1e-6, "{rate:?}");
    }

    #[test]
    fn what_a_module_weighs_belongs_to_every_chain_that_has_it() {
        let report = sample::report();
        let value =
            |name: &str, figure| report.scenarios[0].value(&report.footprints, name, figure, 0);
        assert_eq!(value("ours", Figure::Memory), Some(25_000_000.0));
        assert_eq!(value("ours", Figure::Worker), Some(1_000_000.0));
        assert_eq!(value("ours", Figure::Bytes), Some(439_000.0));
        assert_eq!(value("ours", Figure::Calls), Some(2.0));
        assert_eq!(value("native", Figure::Memory), None);
    }
}
