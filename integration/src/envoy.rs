//! Envoy as a test wants it: what goes wrong is a test that fails and shows the end of Envoy's log.
//!
//! The crate `envoy` does the work and hands errors over; here they become panics, and paths of the
//! configurations start at the root of this repository.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::Write;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::envoy::Error;
pub use ::envoy::{
    Capability, Config, Install, Launcher, NotReady, Scratch, VERSION, Version, clean_leftovers,
};
use serde_json::Value;

/// The folders that configurations refer to by relative paths.
const READS: [&str; 3] = ["dist", "envoy-configs", "target/test-modules"];

/// An Envoy that runs: see [`envoy::Envoy`](::envoy::Envoy).
#[derive(Debug)]
pub struct Envoy(::envoy::Envoy);

/// An Envoy to be: see [`envoy::Builder`](::envoy::Builder).
#[derive(Debug)]
#[must_use = "nothing runs before `start`"]
pub struct Builder(::envoy::Builder);

/// Its admin interface: see [`envoy::Admin`](::envoy::Admin).
#[derive(Debug, Clone, Copy)]
pub struct Admin(::envoy::Admin);

/// The root of the repository, where relative paths in configurations start.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace this crate is part of")
}

/// The version of the Envoy that tests start here.
#[track_caller]
pub fn version() -> Version {
    expect(::envoy::version(Install::OnDebian))
}

/// Envoy's program, for whoever runs it as a command does.
#[track_caller]
pub fn program() -> PathBuf {
    expect(::envoy::find_binary(Install::OnDebian))
}

/// An address that was free a moment ago, for what has to be known before Envoy has it.
#[track_caller]
pub fn free_addr() -> SocketAddr {
    expect(::envoy::free_addr())
}

/// Whether the Envoy that tests start here has this.
#[track_caller]
pub fn has(capability: Capability) -> bool {
    capability.is_in(&version())
}

/// Whether this Envoy is too old for a test, which then ends: the summary lists it, with the reason.
#[track_caller]
pub fn lacks(capability: Capability) -> bool {
    let lacks = !has(capability);
    if lacks {
        tell("not run", capability);
    }
    lacks
}

/// The same for a part of a test, which leaves that part out.
#[track_caller]
pub fn lacks_in_part(capability: Capability) -> bool {
    let lacks = !has(capability);
    if lacks {
        tell("not run in part", capability);
    }
    lacks
}

/// Tells it in a line of its own that `cargo xtask test` reads. Past the macros, whose output a test that
/// passes does not show.
fn tell(what: &str, capability: Capability) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let (version, instead) = (version(), capability.instead());
    let line = format!("\n{what}: {test}: Envoy {version}: {instead}\n");
    // A standard error that is closed takes no line, and the test is as good without.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// A configuration of this repository's, by its path from the root.
#[track_caller]
pub fn read_config(path: &str) -> Config {
    expect(Config::from_file(&repository().join(path)))
}

impl Envoy {
    /// An Envoy to be, with this configuration.
    pub fn builder(config: Config) -> Builder {
        Builder::of(::envoy::Builder::new(config))
    }

    /// An Envoy to be, with this text for a configuration, which Envoy alone reads.
    pub fn from_text(text: &str) -> Builder {
        Builder::of(::envoy::Builder::from_text(text))
    }

    /// The address of a listener, which may have been added a moment ago.
    #[track_caller]
    pub fn addr(&self, listener: &str) -> SocketAddr {
        expect(self.0.addr(listener))
    }

    /// The port of a listener, which may have been added a moment ago.
    #[track_caller]
    pub fn port(&self, listener: &str) -> u16 {
        self.addr(listener).port()
    }

    /// Its admin interface.
    pub fn admin(&self) -> Admin {
        Admin(*self.0.admin())
    }

    /// What it has written so far, on both output streams.
    pub fn log(&self) -> String {
        self.0.log().text()
    }

    /// Waits for a line of the log that contains this, and returns the line.
    #[track_caller]
    pub fn wait_log(&self, part: &str, deadline: Duration) -> String {
        expect(self.0.wait_log(part, deadline))
    }

    /// The processor time it has used, in all its threads.
    pub fn cpu(&self) -> Duration {
        self.0.cpu().expect("the process of a running Envoy")
    }

    /// Its memory that is in RAM, in bytes.
    pub fn rss(&self) -> u64 {
        self.0.rss().expect("the process of a running Envoy")
    }

    /// Ends it, as dropping does.
    pub fn stop(self) {}
}

impl Deref for Envoy {
    type Target = ::envoy::Envoy;

    fn deref(&self) -> &::envoy::Envoy {
        &self.0
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let tail = self.0.log().tail(80);
            eprintln!("--- the last lines of Envoy's log\n{tail}\n---");
        }
    }
}

impl Builder {
    /// One at home in this repository.
    fn of(builder: ::envoy::Builder) -> Self {
        let builder = builder.folder(repository()).install(Install::OnDebian);
        let folders = READS.map(|folder| repository().join(folder));
        // Those that no build has made yet are missed by whoever needs them.
        let there = folders.into_iter().filter(|folder| folder.is_dir());
        Self(there.fold(builder, ::envoy::Builder::reads))
    }

    /// The number of worker threads: two unless told.
    pub fn workers(self, count: u32) -> Self {
        Self(self.0.workers(count))
    }

    /// The launcher, in place of [`Launcher::detect`].
    pub fn launcher(self, launcher: Launcher) -> Self {
        Self(self.0.launcher(launcher))
    }

    /// More arguments, such as `["--log-level", "debug"]`.
    pub fn args<I: IntoIterator<Item: Into<String>>>(self, args: I) -> Self {
        Self(self.0.args(args))
    }

    /// A variable of the environment.
    pub fn env(self, name: &str, value: &str) -> Self {
        Self(self.0.env(name, value))
    }

    /// The folder, in place of a fresh one: for configurations that name files in it.
    pub fn scratch(self, scratch: Scratch) -> Self {
        Self(self.0.scratch(scratch))
    }

    /// The folder at which relative paths start, in place of the root of this repository.
    pub fn folder(self, path: &Path) -> Self {
        Self(self.0.folder(path))
    }

    /// One more folder that it reads.
    pub fn reads(self, path: PathBuf) -> Self {
        Self(self.0.reads(path))
    }

    /// How long it may take to be ready: a minute unless told.
    pub fn ready_within(self, time: Duration) -> Self {
        Self(self.0.ready_within(time))
    }

    /// Starts it and waits until it is ready.
    #[track_caller]
    pub fn start(self) -> Envoy {
        Envoy(expect(self.0.start()))
    }

    /// The same, for configurations that Envoy should refuse.
    #[track_caller]
    pub fn try_start(self) -> Result<Envoy, NotReady> {
        match self.0.start() {
            Err(Error::NotReady(failure)) => Err(failure),
            outcome => Ok(Envoy(expect(outcome))),
        }
    }

    /// Asks Envoy whether it would take the configuration; its log where it would not.
    #[track_caller]
    pub fn validate(self) -> Result<(), String> {
        let verdict = expect(self.0.validate());
        match verdict.is_accepted() {
            true => Ok(()),
            false => Err(verdict.log),
        }
    }

    /// What Envoy answers to that question: its exit code and all it wrote.
    #[track_caller]
    pub fn verdict(self) -> (i32, String) {
        let verdict = expect(self.0.validate());
        (verdict.exit, verdict.log)
    }
}

impl Admin {
    /// Reads a page.
    #[track_caller]
    pub fn get(&self, page: &str) -> String {
        expect(self.0.get(page))
    }

    /// Does what a page offers, such as `/reset_counters` or `/logging?level=debug`.
    #[track_caller]
    pub fn post(&self, page: &str) -> String {
        expect(self.0.post(page))
    }

    /// Reads a page that is JSON.
    #[track_caller]
    pub fn json(&self, page: &str) -> Value {
        expect(self.0.json(page))
    }

    /// Counters and gauges whose names match a regular expression somewhere.
    #[track_caller]
    pub fn stats(&self, pattern: &str) -> BTreeMap<String, u64> {
        expect(self.0.stats(pattern))
    }

    /// A counter or gauge; zero when Envoy does not know it, since many are made on first use.
    #[track_caller]
    pub fn stat(&self, name: &str) -> u64 {
        expect(self.0.stat(name))
    }

    /// Waits for a counter or gauge to become what a test expects, and returns it.
    #[track_caller]
    pub fn wait_stat(&self, name: &str, expected: impl Fn(u64) -> bool, deadline: Duration) -> u64 {
        expect(self.0.wait_stat(name, expected, deadline))
    }

    /// The metrics as Prometheus reads them.
    #[track_caller]
    pub fn prometheus(&self) -> String {
        expect(self.0.prometheus())
    }

    /// Bytes Envoy has allocated.
    #[track_caller]
    pub fn memory(&self) -> u64 {
        expect(self.0.memory())
    }
}

impl Deref for Admin {
    type Target = ::envoy::Admin;

    fn deref(&self) -> &::envoy::Admin {
        &self.0
    }
}

/// What there has to be for a test to go on.
#[track_caller]
pub(crate) fn expect<T, E: Display>(outcome: Result<T, E>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}
