//! The smallest ALLOW policy that admits what a log says was answered, for a human to read.
//!
//! A policy is never wider than what was seen but in one way: where several numbers, UUIDs or hashes stood in one
//! place of a path, any segment may stand there. What cannot be said exactly is left out, and told.

mod path;
mod policy;
mod tally;

use std::collections::{BTreeMap, BTreeSet};

use sdk_helpers::Timestamp;
use serde::Serialize;

use crate::input::Source;
use crate::lines::Lines;
use crate::pipeline;
use tally::{Seen, Tallier, Tally};

/// What a policy is suggested for.
#[derive(Debug, Clone)]
pub struct Suggest {
    /// From when on requests count.
    pub since: Option<Timestamp>,
    /// How many threads read.
    pub threads: usize,
    /// How often a path has to be answered to be admitted.
    pub min_count: u64,
    /// The policy's name.
    pub name: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// The labels of the workload that it is for; none is every workload of the namespace.
    pub labels: BTreeMap<String, String>,
}

/// A policy, and what it was made of.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Suggestion {
    /// The AuthorizationPolicy; null where nothing is admitted.
    pub policy: serde_json::Value,
    /// What it admits.
    pub admitted: Vec<Admitted>,
    /// What became of the lines.
    pub lines: Lines,
    /// Requests that a policy refused, or a token's verification, or Envoy before them.
    pub refused: u64,
    /// Requests that were answered with a status of 400 or more, or none.
    pub failed: u64,
    /// Requests of which the log does not say who answered them.
    pub unanswered: u64,
    /// Requests that were answered and are not admitted.
    pub left_out: Vec<LeftOut>,
    /// Whether the log says of every request that is admitted who sent it: if not, anybody may send it.
    pub knows_peers: bool,
    /// Logs that could not be read to their end, and why.
    pub broken: Vec<String>,
    #[serde(skip)]
    text: String,
}

/// Requests that the policy admits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Admitted {
    /// Who sends them.
    pub who: Who,
    /// The method.
    pub method: String,
    /// The path, or a template of it.
    pub path: String,
    /// How many were answered.
    pub count: u64,
}

/// Who sends requests.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Who {
    /// An identity, without `spiffe://`.
    Principal(String),
    /// Nobody that is known: plaintext, or a certificate without a name.
    Unknown,
    /// The log does not say.
    Unsaid,
}

/// Requests that were answered and are not admitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Why.
    pub why: &'static str,
    /// How many.
    pub count: u64,
}

/// How many paths, of all who send requests and all methods, are told apart.
const MOST_PATHS: usize = 10_000;

impl Suggest {
    /// Reads logs; `progress` is told how many bytes were read since it was last told, as they lie in the files.
    ///
    /// # Errors
    /// As of [`Replay::run`](crate::Replay::run), whose way through logs it takes; it has nothing to load.
    pub fn run(
        &self,
        sources: &[Source],
        progress: &mut dyn FnMut(u64),
    ) -> Result<Suggestion, String> {
        let mut total = Tally::default();
        let mut lines = Lines::default();
        let worker = || -> Result<pipeline::Worker<'_, _>, String> {
            let mut tallier = Tallier::new(self.since);
            Ok(Box::new(move |block| tallier.tally(block)))
        };
        let mut merge = |(more, tally): (_, Tally), read: u64| {
            lines.add(more, sources);
            total.add(tally, MOST_PATHS);
            progress(read);
        };
        let broken = pipeline::run(sources, self.threads, &worker, &mut merge)?;
        Ok(self.suggestion(total, lines, broken))
    }

    fn suggestion(&self, mut total: Tally, lines: Lines, broken: Vec<String>) -> Suggestion {
        let mut admitted = Vec::new();
        for ((who, method, path), Seen { count, only }) in std::mem::take(&mut total.seen) {
            if count < self.min_count {
                total.leave_out(TOO_FEW, count);
                continue;
            }
            admitted.push(Admitted {
                who,
                method,
                path: only.unwrap_or(path),
                count,
            });
        }
        admitted.sort();
        let left_out = total.left_out.iter();
        let left_out: Vec<LeftOut> = left_out
            .map(|(why, count)| LeftOut { why, count: *count })
            .collect();
        let rules = policy::rules(&admitted);
        let (policy, text) = match admitted.is_empty() {
            true => (serde_json::Value::Null, String::new()),
            false => (policy::tree(self, &rules), policy::yaml(self, &rules)),
        };
        Suggestion {
            policy,
            text,
            knows_peers: !admitted.iter().any(|one| one.who == Who::Unsaid),
            admitted,
            lines,
            refused: total.refused,
            failed: total.failed,
            unanswered: total.unanswered,
            left_out,
            broken,
        }
    }
}

const TOO_FEW: &str = "were answered less often than asked for";

impl Suggestion {
    /// The policy as YAML, with counts; empty where nothing is admitted.
    #[must_use]
    pub fn yaml(&self) -> &str {
        &self.text
    }

    /// How many requests it admits.
    #[must_use]
    pub fn count(&self) -> u64 {
        let counts = self.admitted.iter().map(|one| one.count);
        counts.fold(0, u64::saturating_add)
    }

    /// Who sends them.
    #[must_use]
    pub fn senders(&self) -> BTreeSet<&Who> {
        self.admitted.iter().map(|one| &one.who).collect()
    }
}

#[cfg(test)]
mod tests;
