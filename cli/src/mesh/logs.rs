//! `mesh-filters mesh logs`: what the proxies of a running mesh wrote.

mod tail;

use std::io::{self, Write};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::Args;
use mesh_view::Running;
use mesh_view::logs::{Kind, Line};
use serde_json::json;

use super::find::Which;
use super::seen;
use crate::ending::{Ending, Failure};
use crate::output::{BAD, DOUBTFUL, Output, QUIET};
use tail::Tail;

/// How often files are looked at while they are followed.
const PAUSE: Duration = Duration::from_millis(200);

/// The access log below the folder of a proxy.
const ACCESS_LOG: &str = "access.log";

/// Show what the proxies of a running mesh log: requests, and what their Envoys warn of
///
/// Each line has the name of its proxy before it, and all are in the order of time. Requests are logged where a Telemetry
/// or the MeshConfig asks for an access log.
#[derive(Args)]
#[command(after_help = "Examples:
  $ mesh-filters mesh logs
  $ mesh-filters mesh logs reviews-v1 -f
  $ mesh-filters mesh logs istio-ingressgateway --all --tail 1000

Exit codes: 0 whatever was logged, 2 it could not be done.")]
pub(crate) struct Logs {
    /// Of this workload, by its name or its label `app`, or of this gateway alone
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Go on, with each line as it comes
    #[arg(short, long)]
    follow: bool,
    /// What Envoys say in passing too
    #[arg(long)]
    all: bool,
    /// So many of the last lines
    #[arg(long, value_name = "COUNT", default_value_t = 200)]
    tail: usize,
    #[command(flatten)]
    which: Which,
}

/// A file of a proxy.
struct Source {
    name: String,
    is_access_log: bool,
    tail: Tail,
}

impl Logs {
    pub(crate) fn run(&self, output: Output) -> Result<Ending, Failure> {
        let running = seen::running(&self.which)?;
        let mut sources = self.sources(&running)?;
        let mut lines = read(&mut sources, self.all)?;
        lines.drain(..lines.len().saturating_sub(self.tail));
        if lines.is_empty() {
            anstream::eprintln!(
                "note: nothing is logged so far; requests are where a Telemetry (`accessLogging`) or the MeshConfig (`accessLogFile`) asks for it"
            );
        }
        loop {
            let width = sources.iter().map(|source| source.name.len()).max();
            let width = width.unwrap_or_default();
            for (name, line) in &lines {
                let said = match output.is_human() {
                    true => shown(name, width, line),
                    false => json!({"proxy": name, "kind": line.kind.word(), "time": line.time, "line": line.text}).to_string(),
                };
                // Whoever reads has seen enough.
                if writeln!(anstream::stdout(), "{said}").is_err() {
                    return Ok(Ending::Fine);
                }
            }
            let flushed = io::stdout().flush();
            if !self.follow || flushed.is_err() {
                return Ok(Ending::Fine);
            }
            thread::sleep(PAUSE);
            let Some(running) = seen::again(&running.folder)? else {
                return Ok(Ending::Fine);
            };
            // Other objects may have brought other proxies.
            let known = |new: &Source| sources.iter().any(|source| source.tail.is_of(&new.tail));
            let mut new = self.sources(&running)?;
            new.retain(|new| !known(new));
            sources.extend(new);
            lines = read(&mut sources, self.all)?;
        }
    }

    fn sources(&self, running: &Running) -> Result<Vec<Source>, Failure> {
        let mut sources = Vec::new();
        for (name, proxy) in running.proxies() {
            if !self.is_asked_for(running, &name)? {
                continue;
            }
            let mut add = |path: PathBuf, is_access_log| {
                sources.push(Source {
                    name: name.clone(),
                    is_access_log,
                    tail: Tail::of(path),
                });
            };
            proxy.log.iter().for_each(|log| add(log.clone(), false));
            let folder = proxy.folder.iter();
            folder.for_each(|folder| add(folder.join(ACCESS_LOG), true));
        }
        match (&self.name, sources.is_empty()) {
            (Some(name), true) => Err(Failure::new(format!(
                "{name} has no sidecar, so nothing is logged of it"
            ))),
            _ => Ok(sources),
        }
    }

    /// Whether a proxy is the one that is asked for: by its own name, or as a sidecar of a workload.
    fn is_asked_for(&self, running: &Running, proxy: &str) -> Result<bool, Failure> {
        let Some(name) = &self.name else {
            return Ok(true);
        };
        let mut all = running.proxies().into_iter();
        if all.any(|(known, _)| known == *name) {
            return Ok(proxy == name);
        }
        let workload = running.workload(name).map_err(Failure::new)?;
        let number = proxy.strip_prefix(workload.name.as_str());
        Ok(number.is_some_and(|number| {
            number.is_empty()
                || number
                    .strip_prefix('-')
                    .is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        }))
    }
}

/// The lines that came since, in the order of time. A line without a time stands behind the one before it.
fn read(sources: &mut [Source], all: bool) -> Result<Vec<(String, Line)>, Failure> {
    let mut lines: Vec<(String, Line)> = Vec::new();
    for source in sources {
        let mut last = String::new();
        for text in source.tail.lines()? {
            let mut line = Line::read(&text, source.is_access_log);
            match line.time.is_empty() {
                true => line.time.clone_from(&last),
                false => last.clone_from(&line.time),
            }
            if (all || line.kind.is_told()) && !line.text.is_empty() {
                lines.push((source.name.clone(), line));
            }
        }
    }
    lines.sort_by(|(_, one), (_, other)| one.time.cmp(&other.time));
    Ok(lines)
}

fn shown(name: &str, width: usize, line: &Line) -> String {
    let style = match line.kind {
        Kind::Error => BAD,
        Kind::Warning => DOUBTFUL,
        Kind::Access | Kind::Ordinary => anstyle::Style::new(),
    };
    let text = &line.text;
    format!("{QUIET}{name:width$} |{QUIET:#} {style}{text}{style:#}")
}
