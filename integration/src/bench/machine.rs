//! Where the figures come from: without that, a figure means nothing to the next reader.

use std::fmt;
use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::envoy::{VERSION, repository};
use crate::service::program;

/// A machine and what ran on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Processors that may be used.
    pub cores: usize,
    /// What they call themselves.
    pub cpu: String,
    /// Envoy's version.
    pub envoy: String,
    /// The commit of this repository, with a `+` where files differ from it.
    pub commit: Option<String>,
    /// The load average of the minute before.
    pub load: Option<String>,
}

impl Machine {
    /// This one.
    pub fn here() -> Self {
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu: cpu().unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            envoy: VERSION.to_owned(),
            commit: commit(),
            load: load(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cores, cpu, envoy, ..
        } = self;
        write!(f, "{cores} cores of {cpu}, Envoy {envoy} with one worker")?;
        if let Some(commit) = &self.commit {
            write!(f, ", commit {commit}")?;
        }
        if let Some(load) = &self.load {
            write!(f, ", load {load} before the start")?;
        }
        Ok(())
    }
}

fn cpu() -> Option<String> {
    let all = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = all.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn load() -> Option<String> {
    let all = fs::read_to_string("/proc/loadavg").ok()?;
    Some(all.split_whitespace().next()?.to_owned())
}

fn commit() -> Option<String> {
    let git = |words: &[&str]| {
        let mut command = Command::new("git");
        program::run(command.arg("-C").arg(repository()).args(words)).ok()
    };
    let mut commit = git(&["rev-parse", "--short", "HEAD"])?.trim().to_owned();
    if git(&["status", "--porcelain"]).is_some_and(|changes| !changes.is_empty()) {
        commit.push('+');
    }
    Some(commit)
}
