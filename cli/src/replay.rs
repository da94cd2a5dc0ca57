//! `mesh-filters replay`: what becomes of the requests of an access log under other policies.

mod progress;
mod suggested;
mod text;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use replay::{Lines, Policies, Source, Suggest};
use sdk_helpers::{Timestamp, config};
use serde_json::json;

use crate::ending::{Ending, Failure};
use crate::output::Output;
use crate::policies::{self, Fetching, PolicyOptions};
use progress::Progress;

const EXAMPLES: &str = "\
Examples:
  $ mesh-filters replay --old main/policies --new policies access.log
  $ mesh-filters replay --new policies --since 24h --namespace shop --labels app=orders logs/
  $ kubectl logs -n shop deploy/orders -c istio-proxy | mesh-filters replay --new policies -
  $ mesh-filters replay --suggest --namespace shop --labels app=orders access.log.gz > suggested.yaml

Exit codes: 0 every request that could be judged is decided as before, 1 some are not, 2 it could not be done, or no
request could be judged.";

/// Say which requests of an access log are decided otherwise by new policies, and why
///
/// The log is Envoy's, with an object of JSON a line and the names of Istio's own JSON log; docs/replay.md has a format
/// that says all that policies ask for. What a log does not say is not guessed: where a request's decision depends on
/// it, it is counted as not judged. Only AuthorizationPolicies are replayed: limits, faults and tokens are not.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Replay {
    /// Access logs, packed by gzip or not: files, folders of *.log and *.json, or `-` for standard input
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// The policies as they were; without any, the requests are compared with what the log says was answered
    #[arg(long, value_name = "PATH")]
    old: Vec<PathBuf>,
    /// The policies as they shall be: Istio's resources, our configurations, a MeshConfig; a file or a folder
    #[arg(long, value_name = "PATH", required_unless_present = "suggest")]
    new: Vec<PathBuf>,
    /// Leave out requests before this: a time as RFC 3339, or how long ago, such as `24h`
    #[arg(long, value_name = "TIME|DURATION")]
    since: Option<String>,
    #[command(flatten)]
    policies: PolicyOptions,
    /// Write the smallest ALLOW policy that admits what the log says was answered, for you to read
    ///
    /// It admits requests by who sent them, method and path; of numbers, UUIDs and hashes in a path any segment is
    /// admitted. What was refused, or answered with 400 or more, is not admitted.
    #[arg(long, conflicts_with_all = ["old", "new", "filter", "trust_domain", "jwks"])]
    suggest: bool,
    /// Admit what was answered so often
    #[arg(long, value_name = "COUNT", default_value_t = 1, requires = "suggest")]
    min_count: u64,
    /// The name of the policy that is suggested
    #[arg(
        long,
        value_name = "NAME",
        default_value = "suggested",
        requires = "suggest"
    )]
    name: String,
}

impl Replay {
    pub(crate) fn run(&self, output: Output) -> Result<Ending, Failure> {
        let all = self.logs.iter().chain(&self.old).chain(&self.new);
        if all.filter(|path| path.as_path() == Path::new("-")).count() > 1 {
            return Err(Failure::new("standard input can be one thing; name files"));
        }
        let since = self.since.as_deref().map(since).transpose()?;
        let sources = Source::find(&self.logs).map_err(Failure::new)?;
        match self.suggest {
            true => self.suggest(&sources, since, output),
            false => self.replay(&sources, since, output),
        }
    }

    fn replay(
        &self,
        sources: &[Source],
        since: Option<Timestamp>,
        output: Output,
    ) -> Result<Ending, Failure> {
        let old = match self.old.as_slice() {
            [] => None,
            old => Some(self.read(old)?),
        };
        let new = self.read(&self.new)?;
        let mut passed_over: Vec<&str> = Vec::new();
        for policies in old.iter().chain([&new]) {
            passed_over.extend(policies.passed_over());
        }
        passed_over.sort_unstable();
        passed_over.dedup();
        if !passed_over.is_empty() {
            anstream::eprintln!(
                "note: not replayed: {}; see docs/replay.md",
                passed_over.join(", ")
            );
        }
        let replay = replay::Replay {
            old: old.as_ref(),
            new: &new,
            since,
            threads: threads(),
        };
        let mut progress = Progress::of(sources);
        let report = replay.run(sources, &mut |read| progress.add(read));
        progress.end();
        let report = report.map_err(Failure::new)?;
        say_unreadable(&report.lines, &report.broken);
        some(&report.lines)?;
        output.say(
            || text::told(&report, old.is_some()),
            || serde_json::to_value(&report).unwrap_or_else(|error| json!(error.to_string())),
        );
        if report.changed == 0 && report.alike == 0 {
            return Err(Failure::new(
                "no request could be judged: what the log would have to say is in docs/replay.md",
            ));
        }
        Ok(match (report.broken.is_empty(), report.changed) {
            (false, _) => Ending::Partial,
            (true, 0) => Ending::Fine,
            (true, _) => Ending::Found,
        })
    }

    /// Reads policies, and has them loaded as a proxy would.
    fn read(&self, files: &[PathBuf]) -> Result<Policies, Failure> {
        let documents = policies::documents(files)?;
        // No token is verified here: the Envoy that wrote the log had the keys.
        let (gathered, workload) = self.policies.gather(&documents, Fetching::ByEnvoy)?;
        for note in &gathered.notes {
            anstream::eprintln!("note: {note}");
        }
        policies::load(&gathered, Timestamp::default(), workload)?;
        Policies::read(&gathered.tree).map_err(Failure::new)
    }

    fn suggest(
        &self,
        sources: &[Source],
        since: Option<Timestamp>,
        output: Output,
    ) -> Result<Ending, Failure> {
        let workload = self.policies.workload()?;
        let (namespace, labels) = workload
            .map(|workload| (Some(workload.namespace), workload.labels))
            .unwrap_or_default();
        let suggest = Suggest {
            since,
            threads: threads(),
            min_count: self.min_count,
            name: self.name.clone(),
            namespace,
            labels,
        };
        let mut progress = Progress::of(sources);
        let suggestion = suggest.run(sources, &mut |read| progress.add(read));
        progress.end();
        let suggestion = suggestion.map_err(Failure::new)?;
        say_unreadable(&suggestion.lines, &suggestion.broken);
        some(&suggestion.lines)?;
        if suggestion.admitted.is_empty() {
            let notes = suggested::notes(&suggestion);
            return Err(Failure::new(format!(
                "no request is to be admitted\n{}",
                notes.join("\n")
            )));
        }
        output.say(
            || suggested::text(&suggestion),
            || serde_json::to_value(&suggestion).unwrap_or_else(|error| json!(error.to_string())),
        );
        Ok(match suggestion.broken.is_empty() {
            true => Ending::Fine,
            false => Ending::Partial,
        })
    }
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A time, or how long ago.
fn since(text: &str) -> Result<Timestamp, Failure> {
    if let Ok(time) = explain::time(text) {
        return Ok(time);
    }
    let ago = config::duration(text).map_err(|_| {
        Failure::new(
            "`--since` is neither a time such as `2026-11-21T10:00:00Z`, as RFC 3339 writes it, nor a duration such as `24h`",
        )
    })?;
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_err(Failure::new)?;
    Ok(Timestamp::default().saturating_add(now.saturating_sub(ago)))
}

/// Names lines that are no entries, and logs that end too early.
fn say_unreadable(lines: &Lines, broken: &[String]) {
    for one in &lines.first_unreadable {
        anstream::eprintln!("{}:{}: {}", one.file, one.line, one.why);
    }
    let named = u64::try_from(lines.first_unreadable.len()).unwrap_or(u64::MAX);
    match lines.unreadable.saturating_sub(named) {
        0 => {}
        more => anstream::eprintln!("{more} more lines are no entries of an access log"),
    }
    for problem in broken {
        anstream::eprintln!("{problem}; what was read before counts");
    }
}

/// That there is a request: to judge none is not to find none.
fn some(lines: &Lines) -> Result<(), Failure> {
    let problem = match lines {
        lines if lines.requests() > 0 => return Ok(()),
        Lines { read: 0, .. } => "there is no line in the log",
        Lines {
            read, unreadable, ..
        } if read == unreadable => {
            "no line is an entry of an access log in JSON: see docs/replay.md for its format"
        }
        Lines { untimed: 1.., .. } => {
            "no request is known to be late enough: `--since` takes `start_time`"
        }
        _ => "every request is before `--since`",
    };
    Err(Failure::new(problem))
}
