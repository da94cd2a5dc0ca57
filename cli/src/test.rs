//! `mesh-filters test`: whether policies still do what case files say.

mod coverage;
mod document;
mod engine;
mod init;
mod junit;
mod read;
mod run;
mod text;
mod watch;

use std::fs;
use std::path::PathBuf;

use clap::Args;

use crate::ending::{Ending, Failure};
use crate::local_envoy::LocalEnvoy;
use crate::output::Output;
use coverage::Coverage;
use engine::Engine;
use run::Run;

/// Run case files: whether policies still do what they say
///
/// A case file has configurations, requests, and what is expected of each. A configuration is that of all filters in
/// one module unless the suite says `filter`, or lies in a folder `<filter>/cases`; in place of it `files` may name
/// files beside it, with Istio's resources too. Of a folder those files are run that are lists of suites.
#[derive(Args)]
#[command(mut_group("LocalEnvoy", |group| group.requires("envoy")))]
#[command(after_help = "Examples:
  $ mesh-filters test policies/cases
  $ mesh-filters test orders.yaml --filter 'a stranger'
  $ mesh-filters test policies/cases --junit report.xml --min-coverage 100
  $ mesh-filters test policies/cases --envoy --modules dist
  $ mesh-filters test --init -f policies cases/first.yaml")]
pub(crate) struct Test {
    /// Files and folders, this one where none is named; `-` is standard input
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Run those cases alone that have this in `suite: case`, in letters of either case
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// The filter whose configurations they are, where a suite does not say it
    #[arg(long, value_name = "NAME")]
    filter_name: Option<String>,
    /// Write what came of each case for CI, as JUnit has it
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Name the rules that no case reached
    #[arg(long)]
    coverage: bool,
    /// Fail where fewer of a hundred rules are reached
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u64).range(0..=100))]
    min_coverage: Option<u64>,
    /// Run them in a real Envoy, which loads the built modules, in place of the filters' own code here
    ///
    /// A case cannot be run there that fixes what Envoy cannot be given, such as the clock: it is named, with why.
    #[arg(long, conflicts_with_all = ["coverage", "min_coverage", "init"])]
    envoy: bool,
    /// Run them again whenever a file changes, to the end that is Ctrl-C
    #[arg(long, conflicts_with = "init")]
    watch: bool,
    /// Write a first case file for policies: a case for each rule, and one that none matches; all of them pass
    ///
    /// PATH is the file, which is not there yet; without one it is said on standard output, for a file in this folder.
    #[arg(long, requires = "policies", conflicts_with_all = ["filter", "junit", "coverage", "min_coverage"])]
    init: bool,
    /// Files and folders with the policies that `--init` is for
    #[arg(short = 'f', long, value_name = "POLICIES", requires = "init")]
    policies: Vec<PathBuf>,
    #[command(flatten)]
    local_envoy: LocalEnvoy,
}

impl Test {
    pub(crate) fn run(&self, output: Output) -> Result<Ending, Failure> {
        if self.init {
            let filter = self.filter_name.as_deref().unwrap_or(cases::ALL);
            return match self.paths.as_slice() {
                [] => init::init(&self.policies, None, filter, output),
                [path] => init::init(&self.policies, Some(path), filter, output),
                _ => Err(Failure::new("--init writes one file; name one")),
            };
        }
        if self.envoy {
            envoy::end_on_signals()?;
        }
        let here = [PathBuf::from(".")];
        let paths = match self.paths.as_slice() {
            [] => &here,
            paths => paths,
        };
        if self.watch {
            let beside = || read::named_by(paths, self.filter_name.as_deref());
            return watch::watch(paths, beside, || self.once(paths, output));
        }
        self.once(paths, output)
    }

    fn once(&self, paths: &[PathBuf], output: Output) -> Result<Ending, Failure> {
        let mut files = read::files(paths, self.filter_name.as_deref())?;
        if let Some(text) = &self.filter {
            read::only(text, &mut files)?;
        }
        let engine = match self.envoy {
            true => Engine::Envoy(&self.local_envoy),
            false => Engine::Native,
        };
        let run = Run::of(&files, engine)?;
        if let Some(path) = &self.junit {
            let written = fs::write(path, junit::report(&run)?);
            written.map_err(|error| Failure::at(path, error))?;
        }
        let wants_coverage = self.coverage || self.min_coverage.is_some();
        let coverage = wants_coverage.then(|| Coverage::of(&files, &run));
        let too_low = |least: u64| coverage.as_ref().is_some_and(|it| !it.is_at_least(least));
        let least = self.min_coverage.filter(|least| too_low(*least));
        output.say(
            || text::text(&run, coverage.as_ref(), least),
            || document::document(&run, coverage.as_ref()),
        );
        Ok(match run.failed() == 0 && least.is_none() {
            true => Ending::Fine,
            false => Ending::Found,
        })
    }
}
