//! Case files in a real Envoy: whether the modules as Envoy loads them do what the filters' own code does.
//!
//! ```text
//! File ─listeners→ Envoy ─its log at the start────────→ Configured { engine, warnings }, or refused
//! Case ─requests─→       ─its answer and access log───→ Outcome
//! ```
//!
//! There is one Envoy for a file, and in it a listener for each case: its plugin has a name of its own, so that no case
//! counts against the limits of another. Listeners come from a file (LDS), so that a configuration that Envoy refuses
//! keeps no other suite from being run. What a case fixes that only a fake world can be made to say, such as the
//! clock, cannot be had here ([`cases::Case::fakes`]): time is the machine's.

mod engine;
mod listeners;
mod log;
mod outcome;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cases::{Configured, EngineError, File, Suite};
use envoy::{Builder, Config, Envoy, Error, Scratch, lds};
use serde_json::json;

use engine::{OneSuite, Running};
use listeners::Hosted;

/// How long Envoy's log may lag behind Envoy.
const SOON: Duration = Duration::from_secs(10);

/// An Envoy that runs, with all suites of a file.
#[derive(Debug)]
pub struct InEnvoy {
    running: Arc<Running>,
    suites: Vec<(Hosted, Loaded)>,
}

/// What Envoy made of a suite's configuration.
#[derive(Debug)]
enum Loaded {
    InForce {
        warnings: Vec<String>,
    },
    Refused(Vec<String>),
    /// Refused, and not by the filter: Envoy's own words.
    Otherwise(String),
}

impl InEnvoy {
    /// Starts it. `module` names the file of a filter's module, and `start` makes of what is to be an Envoy one that
    /// runs.
    ///
    /// # Errors
    /// Those of both; or Envoy's files cannot be written, or it does not say what became of its listeners.
    pub fn start<E: From<Error>>(
        file: &File,
        module: impl Fn(&str) -> Result<PathBuf, E>,
        start: impl FnOnce(Builder) -> Result<Envoy, E>,
    ) -> Result<Self, E> {
        let mut suites = Vec::with_capacity(file.suites.len());
        let (mut listeners, mut refused) = (Vec::new(), Vec::new());
        let mut modules = Vec::new();
        for (index, suite) in file.suites.iter().enumerate() {
            let path = module(suite.filter_in(file))?;
            let (hosted, built) = Hosted::of(file, index, suite, &path);
            suites.push(hosted);
            // What is refused while nothing is in force has Envoy compile the module again.
            match suite.refused.is_empty() {
                true => listeners.extend(built),
                false => refused.extend(built),
            }
            modules.push(path);
        }
        listeners.append(&mut refused);
        let scratch = Scratch::new()?;
        let mut bootstrap = Config::from_value(json!({}));
        lds::watch(&scratch, &listeners, &mut bootstrap)?;
        let builder = Builder::new(bootstrap)
            .scratch(scratch)
            .args(["--file-flush-interval-msec", "10"]);
        modules.sort();
        modules.dedup();
        let folders = modules.iter().filter_map(|module| module.parent());
        let envoy = start(folders.fold(builder, Builder::reads))?;
        // What is said of configurations comes before it.
        envoy.wait_log("starting workers", SOON)?;
        let said = log::Said::of(&envoy.log().text());
        let running = Running::new(envoy)?;
        let loaded: Vec<Loaded> = suites
            .iter()
            .map(|suite| loaded(suite, &suites, &running, &said))
            .collect();
        Ok(InEnvoy {
            running: Arc::new(running),
            suites: suites.into_iter().zip(loaded).collect(),
        })
    }

    /// What became of the configuration of a suite of the file, and what runs its cases.
    ///
    /// # Errors
    /// Envoy refused it, and not the filter, as where the module is none.
    pub fn suite(&self, suite: &Suite) -> Result<Configured, EngineError> {
        let mut suites = self.suites.iter();
        let found = suites.find(|(hosted, _)| hosted.description == suite.description);
        let Some((hosted, loaded)) = found else {
            return Err(format!("suite `{}` is not in this Envoy", suite.description).into());
        };
        match loaded {
            Loaded::InForce { warnings } => Ok(Configured::InForce {
                warnings: warnings.clone(),
                engine: Box::new(OneSuite::new(Arc::clone(&self.running), hosted)),
            }),
            Loaded::Refused(errors) => Ok(Configured::Refused(errors.clone())),
            Loaded::Otherwise(why) => Err(why.clone().into()),
        }
    }
}

fn loaded(suite: &Hosted, all: &[Hosted], running: &Running, said: &log::Said) -> Loaded {
    let plugin = suite.plugin();
    if running.listens(plugin) {
        // Of equal configurations one speaks for all.
        let same = all.iter().filter(|other| other.is_configured_as(suite));
        let mut warnings = same.filter_map(|suite| said.warnings(suite.plugin()));
        return Loaded::InForce {
            warnings: warnings.next().unwrap_or_default(),
        };
    }
    match said.errors(plugin) {
        errors if errors.is_empty() => Loaded::Otherwise(running.why_refused(plugin)),
        errors => Loaded::Refused(errors),
    }
}
