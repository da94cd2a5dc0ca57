//! How an Envoy is started, and what is left of one that was not.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::launch::running::{Order, Running};
use crate::launch::scratch::Scratch;
use crate::launch::{leftovers, log, wait};
use crate::{Admin, Config, Envoy, Launcher, binary, repository};

/// Modules are compiled before Envoy is ready, which takes a while on a busy machine.
const START: Duration = Duration::from_secs(60);
/// The file in which Envoy says where its admin interface listens.
const ADMIN: &str = "admin.address";
/// The folders that configurations refer to by relative paths.
const READS: [&str; 3] = ["dist", "envoy-configs", "target/test-modules"];

/// An Envoy to be.
#[derive(Debug)]
#[must_use = "nothing runs before `start`"]
pub struct Builder {
    config: Config,
    workers: u32,
    launcher: Option<Launcher>,
    args: Vec<String>,
    env: Vec<(String, String)>,
    scratch: Option<Scratch>,
}

impl Builder {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            workers: 2,
            launcher: None,
            args: Vec::new(),
            env: Vec::new(),
            scratch: None,
        }
    }

    /// The number of worker threads: two unless told.
    pub fn workers(mut self, count: u32) -> Self {
        self.workers = count;
        self
    }

    /// The launcher, in place of [`Launcher::detect`].
    pub fn launcher(mut self, launcher: Launcher) -> Self {
        self.launcher = Some(launcher);
        self
    }

    /// More arguments, such as `["--log-level", "debug"]` or `["--drain-time-s", "1"]`.
    pub fn args<I: IntoIterator<Item: Into<String>>>(mut self, args: I) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// A variable of the environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The folder, in place of a fresh one: for configurations that name files in it.
    pub fn scratch(mut self, scratch: Scratch) -> Self {
        self.scratch = Some(scratch);
        self
    }

    /// Starts it and waits until it is ready.
    #[track_caller]
    pub fn start(self) -> Envoy {
        match self.try_start() {
            Ok(envoy) => envoy,
            Err(failure) => panic!("{failure}"),
        }
    }

    /// The same, for configurations that Envoy should refuse.
    pub fn try_start(mut self) -> Result<Envoy, StartFailure> {
        let scratch = self.scratch.take().unwrap_or_else(Scratch::new);
        let address = scratch.path().join(ADMIN).display().to_string();
        // Hot restart would claim names that all Envoys of a machine share.
        self.args.extend([
            "--disable-hot-restart".into(),
            "--admin-address-path".into(),
            address,
        ]);
        let (launcher, mut running) = self.launch(&scratch);
        match wait::until(START, || state(&mut running, &scratch)) {
            Some(State::Ready(admin)) => Ok(Envoy {
                admin,
                launcher,
                running,
                scratch,
            }),
            Some(State::Ended(exit)) => Err(StartFailure {
                exit: Some(exit),
                log: running.final_log(),
            }),
            None => Err(StartFailure {
                exit: None,
                log: running.log().text(),
            }),
        }
    }

    /// Asks Envoy whether it would take the configuration; its log where it would not.
    pub fn validate(self) -> Result<(), String> {
        match self.verdict() {
            (0, _) => Ok(()),
            (_, log) => Err(log),
        }
    }

    /// What Envoy answers to that question: its exit code and all it wrote.
    pub fn verdict(mut self) -> (i32, String) {
        let scratch = self.scratch.take().unwrap_or_else(Scratch::new);
        self.args.extend(["--mode".into(), "validate".into()]);
        let (_, mut running) = self.launch(&scratch);
        match wait::until(START, || running.exit()) {
            Some(exit) => (exit, running.final_log()),
            None => panic!("no verdict within {START:?}: {}", running.log().tail(40)),
        }
    }

    fn launch(self, scratch: &Scratch) -> (Launcher, Running) {
        leftovers::clean_once();
        let config = scratch.write("envoy.json", &self.config.into_json());
        let mut args = vec!["--config-path".to_owned(), config.display().to_string()];
        args.extend(["--concurrency".to_owned(), self.workers.to_string()]);
        args.extend(self.args);
        let reads = READS.map(|folder| repository().join(folder)).to_vec();
        let env = self.env;
        let order = Order {
            args,
            env,
            folder: repository().to_owned(),
            reads,
            scratch,
        };
        let launcher = self.launcher.unwrap_or_else(Launcher::detect);
        let running = match launcher {
            Launcher::Process => Running::process(&binary(), &order),
            Launcher::Container => in_container(&order),
        };
        (
            launcher,
            running.unwrap_or_else(|problem| panic!("Envoy does not start: {problem}")),
        )
    }
}

/// What is left of an Envoy that did not start.
#[derive(Debug)]
pub struct StartFailure {
    /// Its exit code; `None` when it was not ready in time.
    pub exit: Option<i32>,
    /// All it wrote.
    pub log: String,
}

impl fmt::Display for StartFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.exit {
            Some(exit) => write!(formatter, "Envoy ended with {exit} instead of starting")?,
            None => write!(formatter, "Envoy was not ready within {START:?}")?,
        }
        write!(formatter, "; its log ends\n{}", log::tail(&self.log, 40))
    }
}

impl std::error::Error for StartFailure {}

enum State {
    Ready(Admin),
    Ended(i32),
}

fn state(running: &mut Running, scratch: &Scratch) -> Option<State> {
    let admin = scratch
        .read(ADMIN)
        .and_then(|addr| addr.trim().parse().ok())
        .map(Admin::new);
    match admin.filter(Admin::is_ready) {
        Some(admin) => Some(State::Ready(admin)),
        None => running.exit().map(State::Ended),
    }
}

fn binary() -> PathBuf {
    binary::find().unwrap_or_else(|problem| panic!("no Envoy to run: {problem}"))
}

#[cfg(feature = "containers")]
fn in_container(order: &Order<'_>) -> Result<Running, String> {
    // Only folders that exist can be mounted.
    for folder in &order.reads {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let image = crate::image::find()?;
    Running::container(&image, crate::image::PROGRAM, order).map_err(|problem| {
        let remedy = "set MESH_FILTERS_ENVOY=process to do without";
        format!(
            "{problem}\nAn engine has to share this machine's files and network; if this one does \
             not, {remedy}"
        )
    })
}

#[cfg(not(feature = "containers"))]
fn in_container(_order: &Order<'_>) -> Result<Running, String> {
    Err("this build has no containers: its feature `containers` is off".to_owned())
}
