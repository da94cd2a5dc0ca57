//! The rounds: every variant takes its turn under load, and the turns rotate.

use std::thread;
use std::time::Duration;

use super::load::{Figures, Wrk};
use super::report::{Measured, Round, Series};
use super::scenario::{Scenario, Variant, headers};
use super::{chain, counts, cpu};
use crate::client::Client;
use crate::envoy::{Envoy, Launcher};
use cases::Sent;

/// Lets Envoy close what wrk has left open, so that one turn does not pay for another.
const SETTLE: Duration = Duration::from_millis(100);

/// Of a scenario's requests so many are tried before the load; wrk looks at the status of all.
const TRIED: usize = 50;

/// Measures a scenario: one round to warm up, then this many, of this many seconds a variant.
///
/// # Errors
/// If Envoy or wrk cannot run, or answers are not what the scenario says.
pub fn measure(
    wrk: &Wrk,
    scenario: &Scenario,
    rounds: usize,
    seconds: u32,
) -> Result<Measured, String> {
    let problem = |problem: String| format!("{}: {problem}", scenario.name);
    let envoy =
        start(scenario, &scenario.variants.iter().collect::<Vec<_>>(), 1).map_err(problem)?;
    let mut series = scenario
        .variants
        .iter()
        .map(|variant| empty_series(scenario, variant))
        .collect::<Result<Vec<_>, _>>()
        .map_err(problem)?;
    let count = series.len();
    let total = (rounds + 1) * count * seconds as usize;
    eprintln!(
        "{}: {count} variants, {rounds} rounds and one to warm up, {seconds} s each: about {total} s",
        scenario.name
    );
    for round in 0..=rounds {
        for turn in 0..count {
            let at = (round + turn) % count;
            let measured =
                turn_of(wrk, &envoy, scenario, &scenario.variants[at], seconds).map_err(problem)?;
            // The first round fills caches and connection pools.
            if round > 0 {
                series[at].rounds.push(measured);
            }
        }
    }
    Ok(Measured {
        name: scenario.name.clone(),
        description: scenario.description.clone(),
        connections: scenario.connections,
        seconds,
        budget: scenario.budget.iter().map(ToString::to_string).collect(),
        variants: series,
    })
}

/// Envoy with these variants, each of which has answered once as it should.
pub(super) fn start(
    scenario: &Scenario,
    variants: &[&Variant],
    workers: u32,
) -> Result<Envoy, String> {
    let envoy = Envoy::builder(chain::with_variants(scenario, variants))
        .launcher(Launcher::Process)
        .workers(workers)
        .args(["--log-level", "warn"])
        .try_start()
        .map_err(|failure| failure.to_string())?;
    for variant in variants {
        for request in scenario.requests_of(variant).iter().take(TRIED) {
            let status = ask(&envoy, &variant.name, request)?;
            if status != variant.status {
                return Err(format!(
                    "`{}` answers {} with {status} instead of {}; Envoy's log:\n{}",
                    variant.name,
                    request.path,
                    variant.status,
                    envoy.log()
                ));
            }
        }
    }
    Ok(envoy)
}

fn ask(envoy: &Envoy, listener: &str, request: &Sent) -> Result<u16, String> {
    let mut call = Client::http1(envoy.addr(listener))
        .method(&request.method, &request.path)
        .authority(&request.authority);
    for (name, value) in headers(request) {
        call = call.header(name, value);
    }
    let response = call.try_send();
    response
        .map(|response| response.status)
        .map_err(|broken| format!("`{listener}`: {broken}"))
}

fn empty_series(scenario: &Scenario, variant: &Variant) -> Result<Series, String> {
    let counts = counts(scenario, variant)?;
    Ok(Series {
        name: variant.name.clone(),
        over: variant.over.clone(),
        against: variant.against.clone(),
        modules: variant.module_names()?,
        with_bytes: counts.with_bytes,
        instructions: counts.instructions(),
        host_calls: counts.host_calls,
        rounds: Vec::new(),
    })
}

fn turn_of(
    wrk: &Wrk,
    envoy: &Envoy,
    scenario: &Scenario,
    variant: &Variant,
    seconds: u32,
) -> Result<Round, String> {
    let addr = envoy.addr(&variant.name);
    let requests = scenario.requests_of(variant);
    let before = cpu::used(envoy);
    let figures = wrk.run(addr, requests, scenario.connections, seconds)?;
    thread::sleep(SETTLE);
    let used = cpu::used(envoy).saturating_sub(before);
    check(&figures, variant, envoy)?;
    let cpu = u64::try_from(used.as_nanos()).unwrap_or(u64::MAX);
    Ok(Round::new(&figures, cpu))
}

/// A figure taken from wrong answers would be worse than none.
fn check(figures: &Figures, variant: &Variant, envoy: &Envoy) -> Result<(), String> {
    let refused = if variant.status > 399 {
        figures.requests
    } else {
        0
    };
    if figures.requests > 0 && figures.broken == 0 && figures.refused == refused {
        return Ok(());
    }
    Err(format!(
        "`{}` did not answer as it should: {figures:?}; Envoy's log:\n{}",
        variant.name,
        envoy.log()
    ))
}
