//! Real servers beside Envoy: one launcher for all of them, and what it shares with Envoy's.
//!
//! A server runs as a container where its image is present or can be pulled, else as the program on
//! `PATH`, else as the program of a Debian package installed on the spot; a machine that offers
//! none of these fails the test with the name of what to install.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

#[cfg(feature = "containers")]
use crate::Launcher;
#[cfg(feature = "containers")]
use crate::launch::engine;
use crate::launch::running::{Order, Running};
use crate::launch::scratch::Scratch;
use crate::launch::{apt, leftovers, program, wait};

/// How long a server may take to answer its first request.
const START: Duration = Duration::from_secs(30);
/// A port that was free may be taken before the server binds it.
const ATTEMPTS: usize = 3;

type Args = dyn Fn(SocketAddr, &Scratch) -> Vec<String>;

/// A server as the launcher sees it: data, so that one launcher serves them all.
pub struct Spec {
    /// What people call it.
    pub name: &'static str,
    /// The image it runs from in a container.
    pub image: &'static str,
    /// The program inside the image.
    pub entrypoint: &'static str,
    /// The program on `PATH`.
    pub program: &'static str,
    /// Debian's package of that program.
    pub package: &'static str,
    /// Its arguments, after writing what they refer to into the folder.
    pub args: Box<Args>,
    /// Whether it answers.
    pub ready: fn(SocketAddr) -> bool,
}

/// A server on a port of its own on 127.0.0.1; it ends when dropped.
#[derive(Debug)]
pub struct Companion {
    name: &'static str,
    addr: SocketAddr,
    // Dropped in this order: nothing may write into the folder when it goes.
    running: Running,
    scratch: Scratch,
}

impl Companion {
    /// Starts it and waits until it answers.
    pub fn start(spec: &Spec) -> Self {
        leftovers::clean_once();
        let mut problem = String::new();
        for _ in 0..ATTEMPTS {
            match Self::attempt(spec) {
                Ok(companion) => return companion,
                Err(error) => problem = error,
            }
        }
        panic!("{} does not start: {problem}", spec.name)
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        self.running.log().text()
    }

    /// Its process as this machine counts them.
    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// Its folder, gone when the server is.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    fn attempt(spec: &Spec) -> Result<Self, String> {
        let scratch = Scratch::new();
        let addr = free_addr();
        let order = Order::new(&scratch, (spec.args)(addr, &scratch));
        let mut running = launch(spec, &order)
            .unwrap_or_else(|problem| panic!("{} does not start: {problem}", spec.name));
        let ready = wait::until(START, || {
            let exited = running.exit().is_some();
            (exited || (spec.ready)(addr)).then_some(!exited)
        });
        match ready {
            Some(true) => Ok(Self {
                name: spec.name,
                addr,
                running,
                scratch,
            }),
            Some(false) => Err(format!(
                "it ended at once and said\n{}",
                running.final_log()
            )),
            None => Err(format!(
                "no answer within {START:?}, it said\n{}",
                running.log().tail(40)
            )),
        }
    }
}

impl Drop for Companion {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "--- the last lines of {}\n{}",
                self.name,
                self.running.log().tail(20)
            );
        }
        self.running.stop(Duration::ZERO);
    }
}

fn launch(spec: &Spec, order: &Order<'_>) -> Result<Running, String> {
    #[cfg(feature = "containers")]
    if Launcher::detect() == Launcher::Container
        && (engine::has(spec.image) || engine::pull(spec.image))
    {
        return Running::container(spec.image, spec.entrypoint, order);
    }
    Running::process(&installed(spec)?, order)
}

fn installed(spec: &Spec) -> Result<PathBuf, String> {
    tool(spec.program, spec.package).map_err(|problem| format!("no container, and {problem}"))
}

/// A program of this machine: the one on `PATH`, or that of a Debian package installed on the spot.
///
/// # Errors
/// Says what to install.
pub fn tool(name: &str, package: &str) -> Result<PathBuf, String> {
    if let Some(program) = program::find(name) {
        return Ok(program);
    }
    apt::install(package).map_err(|problem| format!("no `{name}` on PATH: {problem}"))?;
    program::find(name).ok_or_else(|| format!("`{name}` is still not on PATH"))
}

fn free_addr() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("a free port on 127.0.0.1")
}
