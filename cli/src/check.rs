//! `mesh-filters check`: what is wrong with policies, before a mesh sees them.

mod diff;
mod fix;
pub(crate) mod text;

use std::path::PathBuf;

use catalog::Filter;
use check::{Options, Report, Severity, Source};
use clap::{Args, ValueEnum};
use documents::File;
use serde_json::json;

use crate::clock;
use crate::ending::{Ending, Failure};
use crate::output::Output;

/// Say what is wrong with policies, and what does nothing where it stands
///
/// Reads configurations of the filters, case files, Istio's resources and Envoy's bootstraps, all files together:
/// what one of them lacks another may have. A folder stands for every *.yaml, *.yml and *.json in it. Nothing is
/// asked of a cluster. A comment `# mesh-filters: allow MF0201` on the line, or the one above, silences a finding.
#[derive(Args)]
#[command(after_help = "Examples:
  $ mesh-filters check policies/
  $ mesh-filters check --deny warnings policies/ gateway.yaml
  $ kubectl get authorizationpolicies -A -o yaml | mesh-filters check -
  $ mesh-filters check --filter rate-limit limits.yaml
  $ mesh-filters check --diff policies/
  $ mesh-filters check --fix policies/
  $ mesh-filters check --explain MF0201
  $ mesh-filters check --format sarif policies/ > check.sarif

Exit codes: 0 no errors (nor warnings, with `--deny warnings`), 1 some, 2 a file could not be read or written.
With `--diff`: 0 nothing would change, 1 something would.")]
pub(crate) struct Check {
    /// Files, folders, or `-` for standard input
    #[arg(required_unless_present = "explain", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What ends with 1 though it is no error
    #[arg(long, value_enum, value_name = "WHAT")]
    deny: Option<Deny>,
    /// The filter whose configuration a document is that names neither a kind nor a filter
    #[arg(long, value_name = "NAME", value_parser = filter)]
    filter: Option<&'static Filter>,
    /// Mend what can be mended for certain, show what changed, and say what is left
    ///
    /// Nothing but the words in question changes: comments and layout stay. Of standard input the mended text is
    /// printed, and what is left goes to standard error.
    #[arg(long)]
    fix: bool,
    /// Show what `--fix` would change, and change nothing
    #[arg(long, conflicts_with = "fix")]
    diff: bool,
    /// Say at length what a code means, with a bad and a good example
    #[arg(long, value_name = "CODE", conflicts_with = "paths")]
    explain: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Deny {
    Warnings,
}

impl Check {
    pub(crate) fn run(&self, output: Output) -> Result<Ending, Failure> {
        if let Some(code) = &self.explain {
            return explain(code, output);
        }
        if self.diff && !output.is_human() {
            return Err(Failure::new("`--diff` has no other format than its own"));
        }
        let files = File::read_all(&self.paths, &mut std::io::stdin()).map_err(Failure::new)?;
        let sources = files.iter().map(|file| Source {
            name: file.name.clone(),
            text: file.text.clone(),
        });
        let sources: Vec<Source> = sources.collect();
        let options = Options {
            filter: self.filter,
            now: clock::now()?,
        };
        if self.diff {
            return Ok(fix::show(&files, &sources, &options));
        }
        if !self.fix {
            let report = check::check(&sources, &options);
            say(&report, &sources, output, String::new);
            return Ok(self.ending(&report));
        }
        let stdin = files.iter().find(|file| file.path.is_none());
        let fixed = match (stdin, &files[..]) {
            (None, _) => fix::write(&files, &sources, &options, output)?,
            (Some(_), [file]) if output.is_human() => {
                let fixed = fix::print(file, &options);
                return Ok(self.ending(&fixed.report));
            }
            _ => {
                let problem = "`--fix` prints standard input mended: give no other file with it, and no `--format`";
                return Err(Failure::new(problem));
            }
        };
        let mended = || format!("{}\n", text::mended(&fixed, "mended"));
        say(&fixed.report, &fixed.sources, output, mended);
        Ok(self.ending(&fixed.report))
    }

    fn ending(&self, report: &Report) -> Ending {
        let warnings = report.count(Severity::Warning);
        let is_denied = self.deny == Some(Deny::Warnings) && warnings > 0;
        match report.count(Severity::Error) > 0 || is_denied {
            true => Ending::Found,
            false => Ending::Fine,
        }
    }
}

/// Says what was found, for people with something behind it.
fn say(report: &Report, sources: &[Source], output: Output, behind: impl FnOnce() -> String) {
    output.say(
        || text::report(report, sources) + &behind(),
        || match output.is_sarif() {
            true => check::sarif(report, sources, env!("CARGO_PKG_VERSION")),
            false => check::json(report),
        },
    );
}

fn filter(name: &str) -> Result<&'static Filter, String> {
    catalog::find(name).map_err(|unknown| unknown.to_string())
}

fn explain(code: &str, output: Output) -> Result<Ending, Failure> {
    let Some(rule) = check::rule(code) else {
        let problem = format!("no finding has the code `{code}`; docs/check-rules.md lists them");
        return Err(Failure::new(problem));
    };
    output.say(
        || text::rule(rule),
        || {
            json!({
                "code": rule.code,
                "severity": rule.severity.name(),
                "title": rule.title,
                "text": rule.text,
                "help": rule.help,
                "bad": rule.bad.trim_start(),
                "good": rule.good.trim_start(),
                "fixed": check::fixed_where(rule.code),
            })
        },
    );
    Ok(Ending::Fine)
}
