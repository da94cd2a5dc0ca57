//! Servers beside Envoy, such as a Redis or a Prometheus: one launcher for all of them, which is told
//! by a [`Spec`] what each needs.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::client::{Client, Request};
use crate::error::NotReady;
use crate::launch::log::Log;
use crate::launch::program::{self, Install};
use crate::launch::running::{Order, Running};
use crate::launch::scratch::Scratch;
use crate::launch::{leftovers, wait};
use crate::{Error, Launcher};

/// How long a server may take to answer its first request.
const START: Duration = Duration::from_secs(30);
/// How long one look at whether it answers may take.
const LOOK: Duration = Duration::from_secs(1);
/// A port that was free may be taken before the server binds it.
const ATTEMPTS: usize = 3;

/// The arguments of a server that listens at this address, after writing what they refer to into its
/// folder.
pub type Args = dyn Fn(SocketAddr, &Scratch) -> Result<Vec<String>, Error>;

/// A server as the launcher sees it.
///
/// It runs as the program on `PATH`, or as that of a Debian package where that may be installed, else
/// as a container where an engine answers and its image is present or can be pulled. Where Envoy runs
/// in containers, it does so too if it can.
pub struct Spec {
    /// What people call it.
    pub name: String,
    /// The image it runs from in a container.
    pub image: String,
    /// The program inside the image.
    pub entrypoint: String,
    /// The program on `PATH`.
    pub program: String,
    /// Debian's package of that program.
    pub package: String,
    /// Whether that package may be installed.
    pub install: Install,
    /// Its arguments.
    pub args: Box<Args>,
    /// When it is ready.
    pub ready: Ready,
}

/// When a server is ready.
pub enum Ready {
    /// When it takes connections.
    Connects,
    /// When it answers `GET` of this path with 200.
    Page(String),
    /// When this holds of its address.
    When(fn(SocketAddr) -> bool),
}

/// A server on a port of its own on 127.0.0.1; it ends when dropped.
#[derive(Debug)]
pub struct Companion {
    addr: SocketAddr,
    // Dropped in this order: nothing may write into the folder when it goes.
    running: Running,
    scratch: Scratch,
}

impl Companion {
    /// Starts it on a free port and waits until it is ready, half a minute at most.
    ///
    /// # Errors
    /// [`Error::Missing`] where there is neither an image nor a program of it, [`Error::NotReady`]
    /// with its log where it ends or does not answer.
    pub fn start(spec: &Spec) -> Result<Self, Error> {
        leftovers::clean_once();
        let mut attempts = 1;
        loop {
            match Self::attempt(spec) {
                Err(Error::NotReady(_)) if attempts < ATTEMPTS => attempts += 1,
                outcome => return outcome,
            }
        }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What it writes, on both output streams.
    pub fn log(&self) -> &Log {
        self.running.log()
    }

    /// Its process as this machine counts them.
    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// Its folder, gone when the server is.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    fn attempt(spec: &Spec) -> Result<Self, Error> {
        let scratch = Scratch::new()?;
        let addr = free_addr()?;
        let order = Order::new(&scratch, (spec.args)(addr, &scratch)?);
        let mut running = launch(spec, &order)?;
        let ready = wait::until(START, || match running.exit() {
            Some(exit) => Some(Err(exit)),
            None => spec.ready.is_reached(addr).then_some(Ok(())),
        });
        let (exit, log) = match ready {
            Some(Ok(())) => {
                return Ok(Self {
                    addr,
                    running,
                    scratch,
                });
            }
            Some(Err(exit)) => (Some(exit), running.final_log()),
            None => (None, running.log().text()),
        };
        let name = spec.name.clone();
        Err(Error::NotReady(NotReady { name, exit, log }))
    }
}

impl Drop for Companion {
    fn drop(&mut self) {
        self.running.stop(Duration::ZERO);
    }
}

impl Ready {
    fn is_reached(&self, addr: SocketAddr) -> bool {
        match self {
            Self::Connects => TcpStream::connect_timeout(&addr, LOOK).is_ok(),
            Self::Page(path) => {
                let page = Client::http1(addr).deadline(LOOK).send(Request::get(path));
                page.is_ok_and(|page| page.status == 200)
            }
            Self::When(holds) => holds(addr),
        }
    }
}

impl fmt::Debug for Spec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Spec")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connects => formatter.write_str("Connects"),
            Self::Page(path) => formatter.debug_tuple("Page").field(path).finish(),
            Self::When(_) => formatter.write_str("When(..)"),
        }
    }
}

fn launch(spec: &Spec, order: &Order<'_>) -> Result<Running, Error> {
    let containers_first = Launcher::detect()? == Launcher::Container;
    if let Some(container) = containers_first
        .then(|| in_container(spec, order))
        .flatten()
    {
        return container;
    }
    let problem = match program::tool(&spec.program, &spec.package, spec.install) {
        Ok(program) => return Running::process(&program, order),
        Err(problem) => problem,
    };
    if let Some(container) = (!containers_first)
        .then(|| in_container(spec, order))
        .flatten()
    {
        return container;
    }
    Err(match problem {
        Error::Missing { what, remedy } => {
            let what = format_args!("{}: no container, and {what}", spec.name);
            Error::missing(what, remedy)
        }
        other => other,
    })
}

/// Nothing where there is no image, or nothing to run it in.
#[cfg(feature = "containers")]
fn in_container(spec: &Spec, order: &Order<'_>) -> Option<Result<Running, Error>> {
    use crate::launch::engine;

    let is_there =
        engine::is_available() && (engine::has(&spec.image) || engine::pull(&spec.image));
    is_there.then(|| Running::container(&spec.image, &spec.entrypoint, order))
}

#[cfg(not(feature = "containers"))]
fn in_container(_spec: &Spec, _order: &Order<'_>) -> Option<Result<Running, Error>> {
    None
}

/// An address of 127.0.0.1 that was free a moment ago, for servers that have to know theirs before they have it.
///
/// # Errors
/// There is none.
pub fn free_addr() -> Result<SocketAddr, Error> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map_err(|error| Error::program("a free port on 127.0.0.1", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(program: &str, script: &'static str) -> Spec {
        Spec {
            name: "Test".to_owned(),
            // Names that no registry has: the program runs whatever this machine offers.
            image: "localhost:1/none".to_owned(),
            entrypoint: program.to_owned(),
            program: program.to_owned(),
            package: "test".to_owned(),
            install: Install::Never,
            args: Box::new(|_, _| Ok(vec!["-c".to_owned(), script.to_owned()])),
            ready: Ready::When(|_| true),
        }
    }

    #[test]
    fn it_runs_while_it_is_held() {
        let companion = Companion::start(&spec("sh", "echo up; exec sleep 60")).unwrap();
        let line = companion.log().wait("up", START);
        assert_eq!(line.as_deref(), Some("up"));
        assert!(companion.scratch().path().is_dir());
        let (folder, pid) = (companion.scratch().path().to_owned(), companion.pid());
        drop(companion);
        assert!(!folder.exists());
        assert!(!std::path::PathBuf::from(format!("/proc/{pid}")).exists());
    }

    #[test]
    fn one_that_ends_is_told_with_what_it_said() {
        let mut ends = spec("sh", "echo no; exit 4");
        ends.ready = Ready::Connects;
        let problem = Companion::start(&ends).unwrap_err().to_string();
        let expected = "Test ended with 4 instead of starting; its log ends\nno";
        assert_eq!(problem, expected);
    }

    #[test]
    fn one_that_is_nowhere_is_named() {
        let problem = Companion::start(&spec("no-such-server", "")).unwrap_err();
        assert_eq!(
            problem.to_string(),
            "Test: no container, and no `no-such-server` on PATH: install it (on Debian: \
             `apt-get install test`)"
        );
    }
}
