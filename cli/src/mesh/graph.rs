//! `mesh-filters mesh graph`: who calls whom in a running mesh.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use envoy::Admin;
use mesh_view::Running;
use mesh_view::graph::{self, CLUSTERS, STATS, Snapshot};
use sdk_helpers::config::duration;
use serde_json::Value;

use super::find::Which;
use super::seen;
use crate::ending::{Ending, Failure};
use crate::output::Output;

/// Say who calls whom in a running mesh, how often, with which errors and whether encrypted
///
/// The numbers are those that the Envoys of callers count: all since they began, or with `--over` those of the time to
/// come, as rates. Below each service stands who was asked for it.
#[derive(Args)]
#[command(after_help = "Examples:
  $ mesh-filters mesh graph
  $ mesh-filters mesh graph --over 10s
  $ mesh-filters mesh graph --svg mesh.svg
  $ mesh-filters mesh graph --format json | jq '.edges[] | select(.serverErrors > 0)'

Exit codes: 0 whatever was counted, 2 it could not be done.")]
pub(crate) struct Graph {
    /// Wait so long, and tell what was counted meanwhile
    #[arg(long, value_name = "DURATION", value_parser = over)]
    over: Option<Duration>,
    /// Tell that again and again
    #[arg(long, requires = "over")]
    watch: bool,
    /// Draw it, into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

fn over(text: &str) -> Result<Duration, String> {
    let over = duration(text)?;
    match over.is_zero() {
        true => Err("must be more than nothing".to_owned()),
        false => Ok(over),
    }
}

impl Graph {
    pub(crate) fn run(&self, output: Output) -> Result<Ending, Failure> {
        let mut before = self.over.map(|_| self.counted()).transpose()?;
        loop {
            let begun = Instant::now();
            self.over.into_iter().for_each(thread::sleep);
            let (running, counted) = self.counted()?;
            let graph = match &before {
                None => graph::Graph::of(&running, &counted, None),
                Some((_, earlier)) => {
                    let seconds = begun.elapsed().as_secs_f64();
                    let since = counted.since(earlier);
                    graph::Graph::of(&running, &since, Some(seconds))
                }
            };
            if let Some(file) = &self.svg {
                fs::write(file, graph.svg()).map_err(|error| Failure::at(file, error))?;
            }
            output.say(|| graph.text(), || graph.json());
            if !self.watch {
                return Ok(Ending::Fine);
            }
            if output.is_human() {
                anstream::println!();
            }
            before = Some((running, counted));
        }
    }

    /// What every Envoy of the mesh has counted so far. One that is gone has counted nothing, and that is told.
    fn counted(&self) -> Result<(Running, Snapshot), Failure> {
        let running = seen::running(&self.which)?;
        let mut counted = Snapshot::default();
        let gateways = running.gateways.iter();
        let gateways = gateways.map(|gateway| (&gateway.name, &gateway.proxy));
        let sidecars = running.workloads.iter().flat_map(|workload| {
            let replicas = workload.replicas.iter();
            replicas.map(|replica| (&workload.name, &replica.proxy))
        });
        for (name, proxy) in gateways.chain(sidecars) {
            let Some(admin) = proxy.admin.map(Admin::at) else {
                continue;
            };
            match pages(admin) {
                Ok((stats, clusters)) => counted.add(name, &stats, &clusters),
                Err(error) => anstream::eprintln!("mesh-filters: {name}: {error}"),
            }
        }
        Ok((running, counted))
    }
}

fn pages(admin: Admin) -> Result<(Value, Value), envoy::Error> {
    Ok((admin.json(STATS)?, admin.json(CLUSTERS)?))
}

#[cfg(test)]
mod tests {
    use super::over;
    use std::time::Duration;

    #[test]
    fn a_time_is_more_than_nothing() {
        assert_eq!(over("1m30s"), Ok(Duration::from_secs(90)));
        for wrong in ["0s", "", "5"] {
            assert!(over(wrong).is_err(), "{wrong}");
        }
    }
}
