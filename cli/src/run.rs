//! `mesh-filters run`: policies in an Envoy of this machine, and each decision as it is made.

mod config;
mod decision;
mod first;
mod gateway;
mod policy;
mod refusal;
mod say;
mod upstream;

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use clap::Args;
use envoy::{Log, Scratch};
use explain::Options;

use crate::changes::Changes;
use crate::clock;
use crate::ending::{Ending, Failure};
use crate::local_envoy::LocalEnvoy;
use crate::output::Output;
use crate::policies::PolicyOptions;
use config::{MODULE, Place};
use decision::Decision;
use gateway::Gateway;
use policy::Policy;
use refusal::Refusal;
use say::Say;
use upstream::Upstream;

/// Run policies in an Envoy of this machine, and show each decision
///
/// Listens on 127.0.0.1 alone, with the policies in the module that runs in production, and prints a line for each
/// request: when, what was decided, the status, the request, and which filter said what. The files are read again when
/// they change; what is wrong with them is shown then, and the last good policies stay in force. Ctrl-C stops Envoy.
#[derive(Args)]
#[command(after_help = "Examples:
  $ mesh-filters run policies/
  $ mesh-filters run policies/ --namespace shop --labels app=orders --upstream http://localhost:8080
  $ mesh-filters run --filter rate-limit limits.yaml --port 10000
  $ mesh-filters run policies/ --format json | jq 'select(.decision == \"deny\")'

Exit codes: 2 it could not be done, or Envoy ended; Ctrl-C and SIGTERM end it with 130 and 143, as shells have it.")]
pub(crate) struct Run {
    /// Policies: Istio's resources, our configurations, a MeshConfig; files and folders
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The service behind the policies; without it an echo, which answers with the request that it got
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// The port to listen on; without it one that is free
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 0,
        hide_default_value = true
    )]
    port: u16,
    /// How many proxies in front of Envoy say in `x-forwarded-for` who the client is
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    xff_num_trusted_hops: u32,
    #[command(flatten)]
    policies: PolicyOptions,
    #[command(flatten)]
    local: LocalEnvoy,
}

/// A terminal interrupts Envoy as well, which may be seen to end before the signal is.
const SIGNAL: Duration = Duration::from_millis(500);

impl Run {
    pub(crate) fn run(&self, output: Output) -> Result<Ending, Failure> {
        if self.paths.iter().any(|path| path == Path::new("-")) {
            let problem = "files are read again when they change, which standard input cannot be; write it to a file";
            return Err(Failure::new(problem));
        }
        envoy::end_on_signals()?;
        let module = self.local.module(MODULE)?;
        is_free(self.port)?;
        let upstream = Upstream::of(self.upstream.as_deref())?;
        let place = Place {
            port: self.port,
            trusted_hops: self.xff_num_trusted_hops,
            upstream: &upstream,
            module: &module,
        };
        let keys = self.policies.key_files().map(Path::to_owned);
        // Looked at before they are read, so that what changes meanwhile is seen.
        let changes = Changes::of(self.paths.iter().cloned().chain(keys).collect());
        let policy = Policy::read(&self.paths, &self.policies, clock::now()?)?;
        let scratch = Scratch::new()?;
        let mut running = Running {
            run: self,
            place,
            say: Say(output),
            told: BTreeSet::new(),
            changes,
            gateway: {
                let texts = config::texts(&policy, &place, scratch.path());
                Gateway::start(&self.local, scratch, texts, &policy)?
            },
            policy,
        };
        match running.run() {
            Err(Stop::Unread) => Ok(Ending::Fine),
            Err(Stop::Failed(failure)) => Err(failure),
            Ok(()) => Err(running.ended()),
        }
    }
}

/// Why a run is over.
enum Stop {
    /// Nobody reads what it says.
    Unread,
    Failed(Failure),
}

impl From<io::Error> for Stop {
    fn from(_: io::Error) -> Self {
        Stop::Unread
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Failed(failure)
    }
}

/// A run that has begun.
struct Running<'a> {
    run: &'a Run,
    place: Place<'a>,
    say: Say,
    /// Notes that were told, each once.
    told: BTreeSet<String>,
    changes: Changes,
    gateway: Gateway,
    policy: Policy,
}

/// More notes are not remembered, nor told.
const MOST_NOTES: usize = 1000;

impl Running<'_> {
    /// Tells what happens until Envoy ends.
    fn run(&mut self) -> Result<(), Stop> {
        let lines = follow(self.gateway.log());
        let addr = self.gateway.addr()?;
        self.notes()?;
        let options = Options {
            normalization: self.policy.normalization,
            trusted_hops: self.place.trusted_hops,
            roll: None,
            rules: false,
        };
        let first = first::requests(&self.policy, addr, options, clock::now()?);
        let address = format!("http://{addr}");
        self.say
            .listening(&address, &self.place.upstream.name, &first)?;
        loop {
            match lines.recv_timeout(self.changes.pause()) {
                Ok(line) => self.line(&line)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            if !self.changes.is_due() {
                continue;
            }
            if self.gateway.exit().is_some() {
                for line in lines.try_iter() {
                    self.line(&line)?;
                }
                return Ok(());
            }
            if self.changes.come() {
                self.changes.settle();
                self.reload()?;
            }
        }
    }

    /// A line that Envoy wrote: a decision, or a warning of a filter, as of keys that cannot be fetched.
    fn line(&mut self, line: &str) -> Result<(), Stop> {
        if let Some(decision) = Decision::read(line, &self.policy.chain) {
            self.say.decision(&decision)?;
        } else if line.contains("[warning][wasm]")
            && let Some((_, warning)) = line.split_once("wasm log ")
            && let Some((_, warning)) = warning.split_once(": ")
            && !self
                .policy
                .warnings
                .iter()
                .any(|known| warning.ends_with(known.as_str()))
        {
            self.note(warning.to_owned())?;
        }
        Ok(())
    }

    fn reload(&mut self) -> Result<(), Stop> {
        let now = clock::now()?;
        let policy = match Policy::read(&self.run.paths, &self.run.policies, now) {
            Ok(policy) => policy,
            Err(failure) => {
                let refusal = Refusal::of(&failure, &self.run.paths, &self.run.policies, now);
                return Ok(self.say.refused(&refusal)?);
            }
        };
        let texts = config::texts(&policy, &self.place, self.gateway.scratch().path());
        if self.gateway.has(&texts) {
            return Ok(self.say.reloaded(false)?);
        }
        match self.gateway.take(texts) {
            Ok(Ok(())) => {
                self.policy = policy;
                self.notes()?;
                Ok(self.say.reloaded(true)?)
            }
            Ok(Err(why)) => Ok(self.say.refused(&Refusal::by_envoy(&why))?),
            Err(_) if self.gateway.exit().is_some() => Ok(()),
            Err(error) => Err(Stop::Failed(error.into())),
        }
    }

    /// What is to be known of the policies in force.
    fn notes(&mut self) -> Result<(), Stop> {
        let (_, problems) = self.policy.clusters();
        for note in self.policy.notes.clone().into_iter().chain(problems) {
            self.note(note)?;
        }
        Ok(())
    }

    fn note(&mut self, note: String) -> Result<(), Stop> {
        if self.told.len() < MOST_NOTES && self.told.insert(note.clone()) {
            self.say.note(&note)?;
        }
        Ok(())
    }

    /// That Envoy has ended by itself.
    fn ended(&mut self) -> Failure {
        // Where it was a signal to all of us, this does not come to its end.
        thread::sleep(SIGNAL);
        let exit = self
            .gateway
            .exit()
            .map_or("?".to_owned(), |exit| exit.to_string());
        Failure::new(format!(
            "Envoy has ended, with {exit}; the end of its log\n{}",
            self.gateway.last_words()
        ))
    }
}

/// More lines do not wait to be told: the log keeps them, as far as it keeps any.
const WAITING: usize = 1000;

/// The lines of a log as they come, in a thread that ends with the log.
fn follow(log: Log) -> Receiver<String> {
    let (told, lines) = sync_channel(WAITING);
    thread::spawn(move || {
        for line in log.follow() {
            if told.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// That nobody listens on a port of this machine. Envoy would share it with another Envoy.
fn is_free(port: u16) -> Result<(), Failure> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::new(format!(
            "127.0.0.1:{port} cannot be listened on: {error}; take another --port, or none for one that is free"
        ))),
    }
}
