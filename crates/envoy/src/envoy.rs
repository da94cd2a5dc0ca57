//! A real Envoy for a test: started with a configuration, asked, and gone when dropped.
//!
//! Two launchers run the same configurations: a container where an engine answers, a process
//! elsewhere. Ports are free ones, readiness is the admin interface's word, and a test that panics
//! shows the end of Envoy's log.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use crate::launch::running::Running;
use crate::launch::scratch::Scratch;
use crate::launch::{procfs, wait};
use crate::{Admin, Builder, Config, Launcher};

/// The version everything here runs with: binary, image and wheel.
pub const VERSION: &str = "1.40.0";

/// How long a listener that Envoy was told of may take to appear.
const LISTENER: Duration = Duration::from_secs(10);
/// How long Envoy may take to end by itself.
const GRACE: Duration = Duration::from_secs(3);

/// An Envoy that runs.
#[derive(Debug)]
pub struct Envoy {
    pub(crate) admin: Admin,
    pub(crate) launcher: Launcher,
    // Dropped in this order: nothing may write into the folder when it goes.
    pub(crate) running: Running,
    pub(crate) scratch: Scratch,
}

impl Envoy {
    /// An Envoy to be, with this configuration.
    pub fn builder(config: Config) -> Builder {
        Builder::new(config)
    }

    /// The address of a listener on 127.0.0.1, which may have been added a moment ago.
    #[track_caller]
    pub fn addr(&self, listener: &str) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port(listener)).into()
    }

    /// The port of a listener, which may have been added a moment ago.
    #[track_caller]
    pub fn port(&self, listener: &str) -> u16 {
        match wait::until(LISTENER, || self.admin.listeners().get(listener).copied()) {
            Some(port) => port,
            None => panic!(
                "no listener `{listener}`, there are {:?}",
                self.admin.listeners()
            ),
        }
    }

    /// Its admin interface.
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Which way it was launched.
    pub fn launcher(&self) -> Launcher {
        self.launcher
    }

    /// Its folder, under the same path for Envoy: for listener files and access logs. It goes when
    /// Envoy does.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// What it has written so far, on both output streams.
    pub fn log(&self) -> String {
        self.running.log().text()
    }

    /// Waits for a line of the log that contains this, and returns the line.
    #[track_caller]
    pub fn wait_log(&self, part: &str, deadline: Duration) -> String {
        match self.running.log().wait(part, deadline) {
            Some(line) => line,
            None => panic!(
                "no `{part}` in Envoy's log within {deadline:?}; it ends\n{}",
                self.tail()
            ),
        }
    }

    /// Its process as this machine counts them, in a container too.
    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// The processor time it has used, in all its threads.
    pub fn cpu(&self) -> Duration {
        procfs::cpu(self.pid()).expect("the process of a running Envoy")
    }

    /// Its memory that is in RAM, in bytes.
    pub fn rss(&self) -> u64 {
        procfs::rss(self.pid()).expect("the process of a running Envoy")
    }

    /// Ends it, as dropping does.
    pub fn stop(self) {}

    fn tail(&self) -> String {
        self.running.log().tail(80)
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the last lines of Envoy's log\n{}\n---", self.tail());
        }
        self.admin.quit();
        self.running.stop(GRACE);
    }
}

/// The root of the repository, where relative paths in configurations start.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the workspace this crate is part of")
}
