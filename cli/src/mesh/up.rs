//! `mesh-filters mesh up`: starts a mesh, and keeps it running.

use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use check::{Options, Severity, Source};
use clap::Args;
use documents::File;
use envoy::Launcher;
use explain::Url;
use mesh_run::calls::Calls;
use mesh_run::control::Control;
use mesh_run::{Checked, Error, Event, Running, Settings, Start};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{apply, background, say};
use crate::changes::Changes;
use crate::check::text;
use crate::clock;
use crate::ending::{Ending, Failure};
use crate::local_envoy::LocalEnvoy;
use crate::output::{BAD, GOOD, Output, QUIET};
use crate::policies::keys;

/// Start a mesh of Istio's and Kubernetes' objects: an Envoy for each gateway and beside each workload, with mutual TLS
///
/// A server of ours stands for each workload: it says who answered, calls the services that it is told to, and misbehaves
/// on request. Everything listens on addresses of this machine's loopback network alone. The files are read again when
/// they change; what is wrong with them is shown then, and the last good objects stay in force. Ctrl-C ends the mesh and
/// leaves nothing.
#[derive(Args)]
#[command(after_help = "Examples:
  $ mesh-filters mesh up -f bookinfo.yaml
  $ mesh-filters mesh up -f bookinfo.yaml --calls productpage=reviews,details --calls reviews-v2=ratings
  $ mesh-filters mesh up -f bookinfo.yaml --workload reviews-v2=http://127.0.0.1:9080
  $ mesh-filters mesh up -f bookinfo.yaml --detach --format json

Exit codes: 1 something is wrong with the files, 2 it could not be done; Ctrl-C and SIGTERM end it with 130 and 143, as
shells have it, `mesh down` with 0.")]
pub(crate) struct Up {
    /// Objects: files and folders; what comes later is in the place of what had its name
    #[arg(short, long = "file", required = true, value_name = "PATH")]
    files: Vec<PathBuf>,
    /// Whom a workload calls before it answers, by its name or its label `app`; a pod's annotation
    /// `mesh-filters/calls: reviews,details` says the same
    #[arg(long, value_name = "WORKLOAD=SERVICE[:PORT][/PATH],…")]
    calls: Vec<String>,
    /// A process of yours that is the workload, in place of a server of ours
    #[arg(long, value_name = "WORKLOAD=URL")]
    workload: Vec<String>,
    /// Keys that tokens are verified with, for one issuer or for all, in place of those that would be fetched: a JWKS as a
    /// file
    #[arg(long, value_name = "[ISSUER=]FILE")]
    jwks: Vec<String>,
    /// The network 127.N.0.0/16 that it is in, an even number from 10 to 250; without it one that is free
    #[arg(long, value_name = "N")]
    network: Option<u8>,
    /// The folder for its configurations, certificates and logs; what a person reads stays in it
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Return when it is ready, and leave it running until `mesh-filters mesh down`
    #[arg(long)]
    detach: bool,
    /// Do not look for what is wrong with the files first, as `mesh-filters check` does
    #[arg(long)]
    no_check: bool,
    #[arg(long, hide = true)]
    background: bool,
    #[command(flatten)]
    local: LocalEnvoy,
}

/// How long an answer to `status` or `apply` may hold up the end.
const LAST_ANSWER: Duration = Duration::from_secs(5);

impl Up {
    pub(crate) fn run(&self, output: Output) -> Result<Ending, Failure> {
        if self.detach && !self.background {
            return match background::start()? {
                Ok(mesh) => {
                    output.say(
                        || {
                            let end = "`mesh-filters mesh down` ends it";
                            format!("{}{QUIET}{end}{QUIET:#}\n", say::mesh(&mesh))
                        },
                        || mesh.clone(),
                    );
                    Ok(Ending::Fine)
                }
                Err(ending) => Ok(ending),
            };
        }
        if self.background {
            background::leave();
        }
        let signals = Signals::watch()?;
        // Looked at before they are read, so that what changes meanwhile is seen.
        let changes = Changes::of(apply::absolute(&self.files)?);
        let running = match Running::start(self.start(output)?) {
            Ok(running) => Arc::new(running),
            Err(Error::Found(checked)) => {
                anstream::eprint!("{}", checked.text);
                anstream::eprintln!(
                    "mesh-filters: nothing was started; `--no-check` starts it all the same"
                );
                return Ok(Ending::Found);
            }
            Err(error) => return Err(error.into()),
        };
        signals.mesh_runs();
        let control = Control::serve(&running, Arc::clone(&signals.end))?;
        let refused = running.refused_at_start();
        let mut mesh = running.json();
        if let Value::Object(fields) = &mut mesh {
            let refused = refused.iter();
            let refused = refused.map(|one| json!({"proxy": one.proxy, "why": one.why}));
            fields.insert("refused".to_owned(), refused.collect());
        }
        anstream::eprint!("{}", running.checked().text);
        match self.background {
            true => background::ready(&mesh, &running.events())?,
            false => output.say(
                || format!("{}{QUIET}Ctrl-C ends it{QUIET:#}\n", say::mesh(&mesh)),
                || mesh.clone(),
            ),
        }
        watch(&running, changes, &signals);
        drop(control);
        // Somebody may still be answered.
        let alone = || (Arc::strong_count(&running) == 1).then_some(());
        let _ = envoy::wait::until(LAST_ANSWER, alone);
        drop(running);
        match signals.number() {
            0 => Ok(Ending::Fine),
            number => std::process::exit(128 + number),
        }
    }

    fn start(&self, output: Output) -> Result<Start, Failure> {
        let calls: Result<Vec<Calls>, Error> =
            self.calls.iter().map(|one| Calls::parse(one)).collect();
        let elsewhere: Result<Vec<_>, Failure> =
            self.workload.iter().map(|one| elsewhere(one)).collect();
        let keys: Result<Vec<_>, Failure> = self.jwks.iter().map(|one| keys(one)).collect();
        let program = self.local.program()?;
        let now = clock::now()?;
        Ok(Start {
            paths: apply::absolute(&self.files)?,
            folder: self.folder.clone(),
            network: self.network,
            settings: Settings {
                folder: PathBuf::new(),
                calls: calls?,
                elsewhere: elsewhere?,
                policies: mesh_run::policies::Settings {
                    modules: self.local.modules(),
                    keys: keys?,
                    trusted: openssl_probe::probe().cert_file,
                    now,
                },
            },
            now,
            make: Arc::new(move |builder| {
                builder.launcher(Launcher::Process).binary(program.clone())
            }),
            check: (!self.no_check).then(|| {
                let check: mesh_run::Check = Arc::new(move |files| checked(files, now));
                check
            }),
            tell: tell(output),
        })
    }
}

/// Reads the files again when they change, until the end.
fn watch(running: &Running, mut changes: Changes, signals: &Signals) {
    let mut paths = running.paths();
    while !signals.is_over(changes.pause()) {
        if running.paths() != paths {
            paths = running.paths();
            changes = Changes::of(paths.clone());
        } else if changes.come() {
            changes.settle();
            // What becomes of it is told as it happens.
            let _ = running.apply(&[]);
        }
    }
}

/// Says what happens, as it happens.
fn tell(output: Output) -> mesh_run::Tell {
    let line = Mutex::new(());
    Arc::new(move |event: Event| {
        let _one_at_a_time = line.lock();
        let mut out = anstream::stdout().lock();
        // Nobody may read it any more; the mesh runs on.
        let _ = match output.is_human() {
            true => {
                let style = if event.is_bad() { BAD } else { GOOD };
                writeln!(out, "{style}{}{style:#}: {event}", event.word())
            }
            false => writeln!(out, "{}", event.json()),
        };
        let _ = out.flush();
    })
}

/// What `check` says of the files.
fn checked(files: &[File], now: sdk_helpers::Timestamp) -> Checked {
    let sources = files.iter().map(|file| Source {
        name: file.name.clone(),
        text: file.text.clone(),
    });
    let sources: Vec<Source> = sources.collect();
    let options = Options { filter: None, now };
    let report = check::check(&sources, &options);
    Checked {
        errors: report.count(Severity::Error),
        text: match report.findings.is_empty() {
            true => String::new(),
            // It is for programs and for files as well.
            false => {
                let text = text::report(&report, &sources);
                anstream::adapter::strip_str(&text).to_string()
            }
        },
        findings: check::json(&report),
    }
}

/// `reviews-v2=http://127.0.0.1:9080`.
fn elsewhere(text: &str) -> Result<(String, SocketAddr), Failure> {
    let wrong = |problem: &str| {
        Failure::new(format!(
            "`--workload {text}`: {problem}; it is as in `reviews-v2=http://127.0.0.1:9080`"
        ))
    };
    let (name, url) = text.split_once('=').ok_or_else(|| wrong("no `=`"))?;
    let url = Url::parse(url).map_err(wrong)?;
    if url.scheme != "http" {
        return Err(wrong("the sidecar speaks plaintext with its workload"));
    }
    let authority = match url.authority.contains(':') {
        true => url.authority.to_owned(),
        false => format!("{}:80", url.authority),
    };
    let mut found = authority
        .to_socket_addrs()
        .map_err(|error| wrong(&format!("{authority}: {error}")))?;
    let address = found.find(SocketAddr::is_ipv4);
    let address = address.ok_or_else(|| wrong("no address of IPv4"))?;
    Ok((name.to_owned(), address))
}

/// Ctrl-C, being told to end, and `mesh down`.
struct Signals {
    end: Arc<Notify>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    mesh_runs: AtomicBool,
    number: AtomicI32,
}

impl Signals {
    fn watch() -> Result<Self, Failure> {
        let end = Arc::new(Notify::new());
        let state = Arc::new(State::default());
        let (told, of) = (Arc::clone(&end), Arc::clone(&state));
        envoy::on_signals(move |number| {
            // While it starts, and where somebody insists, nobody waits for an order.
            let insists = of.number.swap(number, Ordering::SeqCst) != 0;
            if insists || !of.mesh_runs.load(Ordering::SeqCst) {
                envoy::clean_own_leftovers();
                std::process::exit(128 + number);
            }
            told.notify_one();
        })?;
        Ok(Self { end, state })
    }

    /// From now on there is somebody who ends the mesh in order.
    fn mesh_runs(&self) {
        self.state.mesh_runs.store(true, Ordering::SeqCst);
    }

    /// The signal that came; zero where none did.
    fn number(&self) -> i32 {
        self.state.number.load(Ordering::SeqCst)
    }

    /// Waits for the end, for this long at most: whether it came.
    fn is_over(&self, pause: Duration) -> bool {
        let waiting = async { tokio::time::timeout(pause, self.end.notified()).await };
        let waited = envoy::runtime::block_on(waiting);
        // Without threads there is nothing to be done but to end.
        waited.is_err() || waited.is_ok_and(|ended| ended.is_ok())
    }
}
