//! What modules weigh: the bytes of their files, and the RAM of an Envoy that has them.

use super::load::Wrk;
use super::module::Module;
use super::report::Footprint;
use super::scenario::{Scenario, Variant};
use super::{measure, stats};

/// Envoys for one figure: memory differs a little from one start to the next.
const STARTS: usize = 3;
/// With so many workers each.
const WORKERS: [u32; 3] = [1, 2, 4];
/// Connections of the load, whatever the scenario: buffers of a thousand would hide the module.
const CONNECTIONS: u32 = 16;
/// Load before memory is read, so that what grows with the first requests has grown.
const SECONDS: u32 = 1;

/// The footprints of all chains so far; a chain of the same modules is measured once.
#[derive(Debug, Default)]
pub(super) struct Footprints {
    known: Vec<Footprint>,
    without: Option<[i64; WORKERS.len()]>,
}

impl Footprints {
    /// Measures the chains of a scenario that are not known yet.
    pub(super) fn measure(&mut self, wrk: &Wrk, scenario: &Scenario) -> Result<(), String> {
        for variant in &scenario.variants {
            let modules = variant.modules()?;
            let names = variant.module_names()?;
            if names.is_empty() || self.known.iter().any(|known| known.modules == names) {
                continue;
            }
            let bytes = modules
                .iter()
                .map(Module::size)
                .sum::<Result<u64, String>>()?;
            let empty = self.without(wrk, scenario)?;
            eprintln!(
                "memory of {}: {} starts of Envoy",
                names.join(" + "),
                WORKERS.len() * STARTS
            );
            let [one, two, four] = memory(wrk, scenario, variant)?;
            self.known.push(Footprint {
                modules: names,
                bytes,
                memory: one - empty[0],
                memory_two: two - empty[1],
                memory_four: Some(four - empty[2]),
            });
        }
        Ok(())
    }

    pub(super) fn all(self) -> Vec<Footprint> {
        self.known
    }

    fn without(&mut self, wrk: &Wrk, scenario: &Scenario) -> Result<[i64; WORKERS.len()], String> {
        if let Some(known) = self.without {
            return Ok(known);
        }
        eprintln!(
            "memory without modules: {} starts of Envoy",
            WORKERS.len() * STARTS
        );
        let memory = memory(wrk, scenario, &Variant::empty())?;
        self.without = Some(memory);
        Ok(memory)
    }
}

/// RAM of Envoy, by the number of workers.
fn memory(
    wrk: &Wrk,
    scenario: &Scenario,
    variant: &Variant,
) -> Result<[i64; WORKERS.len()], String> {
    let mut medians = [0; WORKERS.len()];
    for (median, workers) in medians.iter_mut().zip(WORKERS) {
        let mut seen = Vec::new();
        for _ in 0..STARTS {
            let envoy = measure::start(scenario, &[variant], workers)?;
            let addr = envoy.addr(&variant.name);
            wrk.run(addr, scenario.requests_of(variant), CONNECTIONS, SECONDS)?;
            #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
            seen.push(envoy.rss() as f64);
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole bytes, far below 2^53"
        )]
        if let Some(spread) = stats::Spread::of(seen) {
            *median = spread.median as i64;
        }
    }
    Ok(medians)
}
