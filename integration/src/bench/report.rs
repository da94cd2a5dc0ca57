//! What was measured, raw: the JSON that is kept.
//!
//! Only raw rounds are kept, so that a later reader may compute something else from them than
//! [`figure`](super::figure) does.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::load::Figures;
use super::machine::Machine;

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
    /// As the scenario names them, in order.
    pub modules: Vec<String>,
    /// The length of the files.
    pub bytes: u64,
    /// What one worker's Envoy needs more of RAM than without them, in bytes.
    pub memory: i64,
    /// What two workers' Envoy needs more.
    pub memory_two: i64,
    /// What four workers' Envoy needs more.
    pub memory_four: Option<i64>,
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
    /// How many of them gave bytes.
    #[serde(default)]
    pub with_bytes: f64,
    /// Instructions of wasm that one request runs.
    #[serde(default)]
    pub instructions: f64,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back() {
        let folder = crate::envoy::Scratch::new().unwrap();
        let path = folder.path().join("figures.json");
        let report = crate::bench::sample::report();
        report.write(&path).unwrap();
        assert_eq!(Report::read(&path).unwrap(), report);
        let error = Report::read(&folder.path().join("none.json")).unwrap_err();
        assert!(error.contains("none.json"), "{error}");
    }
}
