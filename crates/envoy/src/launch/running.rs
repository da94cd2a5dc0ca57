//! A server that runs, whichever way it was launched.

use std::path::{Path, PathBuf};
use std::time::Duration;

#[cfg(feature = "containers")]
use super::container::Container;
use super::log::Log;
use super::process::Process;
use super::scratch::Scratch;
use super::wait;
use crate::Error;

/// What to launch, in terms that mean the same as a process and in a container.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    /// The working folder.
    pub(crate) folder: PathBuf,
    /// Folders it reads, besides its own.
    #[cfg_attr(
        not(feature = "containers"),
        expect(dead_code, reason = "a process sees them all")
    )]
    pub(crate) reads: Vec<PathBuf>,
    /// The folder it writes to.
    pub(crate) scratch: &'a Scratch,
    /// Where what it writes is kept as well.
    pub(crate) log_file: Option<PathBuf>,
}

impl<'a> Order<'a> {
    /// A program with these arguments that knows no folder but its own.
    pub(crate) fn new(scratch: &'a Scratch, args: Vec<String>) -> Self {
        let folder = scratch.path().to_owned();
        Self {
            args,
            env: Vec::new(),
            folder,
            reads: Vec::new(),
            scratch,
            log_file: None,
        }
    }
}

/// A server that runs; it is gone when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    kind: Kind,
    log: Log,
}

#[derive(Debug)]
enum Kind {
    Process(Process),
    #[cfg(feature = "containers")]
    Container(Container),
}

impl Running {
    /// Launches a program of this machine.
    pub(crate) fn process(program: &Path, order: &Order<'_>) -> Result<Self, Error> {
        let log = match &order.log_file {
            Some(path) => Log::kept(path)?,
            None => Log::default(),
        };
        let process = Process::start(program, order, &log)?;
        Ok(Self {
            kind: Kind::Process(process),
            log,
        })
    }

    /// Launches the program of an image.
    #[cfg(feature = "containers")]
    pub(crate) fn container(image: &str, program: &str, order: &Order<'_>) -> Result<Self, Error> {
        let log = Log::default();
        let container = Container::start(image, program, order, &log)?;
        Ok(Self {
            kind: Kind::Container(container),
            log,
        })
    }

    /// What it has written so far.
    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// Its process as this machine counts them.
    pub(crate) fn pid(&self) -> u32 {
        match &self.kind {
            Kind::Process(process) => process.pid(),
            #[cfg(feature = "containers")]
            Kind::Container(container) => container.pid(),
        }
    }

    /// How it ended; `None` while it runs.
    pub(crate) fn exit(&mut self) -> Option<i32> {
        match &mut self.kind {
            Kind::Process(process) => process.exit(),
            #[cfg(feature = "containers")]
            Kind::Container(container) => container.exit(),
        }
    }

    /// Everything a server that has ended wrote.
    pub(crate) fn final_log(&mut self) -> String {
        match &mut self.kind {
            Kind::Process(process) => process.drain(),
            #[cfg(feature = "containers")]
            Kind::Container(container) => container.drain(&self.log),
        }
        self.log.text()
    }

    /// Gives it this long to end by itself, then kills it.
    pub(crate) fn stop(&mut self, grace: Duration) {
        if wait::until(grace, || self.exit()).is_none() {
            match &mut self.kind {
                Kind::Process(process) => process.kill(),
                #[cfg(feature = "containers")]
                Kind::Container(container) => container.kill(),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop(Duration::ZERO);
        self.log.end();
    }
}
