//! `cargo xtask bench`: what a filter costs Envoy, beside the native filter that does the same.
//!
//! Every figure is a difference or a ratio taken within one run: all variants of a scenario are
//! listeners of one Envoy process with one worker, and they take turns under load, round after
//! round. A busy machine then makes a figure spread; it does not move it.

pub mod budget;
pub mod chain;
pub mod compare;
pub mod counts;
mod cpu;
pub mod figure;
pub mod files;
mod footprint;
pub mod guest;
pub mod load;
pub mod machine;
pub mod measure;
pub mod module;
mod peer;
pub mod repeat;
pub mod report;
#[cfg(test)]
mod sample;
pub mod scenario;
pub mod stats;
pub mod table;
pub mod tokens;
pub mod verdict;

use std::path::PathBuf;

use counts::Counts;
use footprint::Footprints;
use load::Wrk;
use machine::Machine;
use report::Report;
use scenario::{Scenario, Variant};

/// How often each variant is measured unless told.
pub const ROUNDS: usize = 15;

/// What to measure, and how long.
#[derive(Debug, Default)]
pub struct Options {
    /// Names of scenarios, or files that hold some; none is all of them.
    pub scenarios: Vec<String>,
    /// How often each variant is measured; [`ROUNDS`] unless told.
    pub rounds: Option<usize>,
    /// How long each time, in place of what the scenario says.
    pub seconds: Option<u32>,
    /// Where the figures go as JSON.
    pub json: Option<PathBuf>,
    /// Figures written earlier, to compare with.
    pub compare: Option<PathBuf>,
}

/// What a request of a variant costs in its modules, on average over its requests.
///
/// # Errors
/// If a module is not built or refuses its configuration.
pub fn counts(scenario: &Scenario, variant: &Variant) -> Result<Counts, String> {
    let modules = variant.modules()?;
    let requests = scenario.requests_of(variant);
    counts::of_one_request(&modules, requests, scenario.peer.as_deref())
}

/// Measures, prints, writes and compares as the options ask.
///
/// # Errors
/// If something could not be run. A budget that is not met is no error.
pub fn run(options: &Options) -> Result<(), String> {
    // All that can be wrong with the command line is said before the first minute of load.
    let before = options.compare.as_deref().map(Report::read).transpose()?;
    let scenarios = files::select(&options.scenarios)?;
    let scenarios: Vec<Scenario> = scenarios
        .into_iter()
        .map(tokens::mint)
        .collect::<Result<_, _>>()?;
    let wrk = Wrk::find()?;
    let machine = Machine::here();
    println!("{machine}\n");
    let report = measure_all(&wrk, machine, &scenarios, options)?;
    if let Some(before) = before {
        print!("\n{}", compare::differences(&before, &report));
    }
    if let Some(path) = &options.json {
        report.write(path)?;
        println!("\nfigures written to {}", path.display());
    }
    Ok(())
}

fn measure_all(
    wrk: &Wrk,
    machine: Machine,
    scenarios: &[Scenario],
    options: &Options,
) -> Result<Report, String> {
    let mut footprints = Footprints::default();
    for scenario in scenarios {
        footprints.measure(wrk, scenario)?;
    }
    let mut report = Report {
        machine,
        footprints: footprints.all(),
        scenarios: Vec::new(),
    };
    let rounds = options.rounds.unwrap_or(ROUNDS);
    for scenario in scenarios {
        let seconds = options.seconds.unwrap_or(scenario.seconds);
        let series = measure::measure(wrk, scenario, rounds, seconds)?;
        println!("{}", table::scenario(&series, &report.footprints));
        report.scenarios.push(series);
    }
    Ok(report)
}
