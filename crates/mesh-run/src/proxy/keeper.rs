//! Keeps one Envoy running: started again when it ends, sooner at first and later where it ends again and again.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use envoy::{Builder, Config, Envoy, Scratch, wait};
use mesh::proxy::files;

use super::{First, Make, Tell, sync};
use crate::folder::of_proxy;
use crate::{Error, Event};

/// How long a start may take, of one that compiles a module on a busy machine.
const START: Duration = Duration::from_secs(60);
/// How soon it is seen that an Envoy has ended.
const LOOK: Duration = Duration::from_millis(100);
/// How long after its end it is told: a terminal that interrupts the mesh interrupts its Envoys as well, and then there
/// is nothing to tell.
const SIGNAL: Duration = Duration::from_millis(300);
/// How long until the first start after an end; each after that waits twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// The longest of those.
const LONGEST: Duration = Duration::from_secs(60);
/// Who has run for this long has run well.
const WELL: Duration = Duration::from_secs(60);
/// How many lines of its log are told.
const LINES: usize = 6;

/// What is started.
pub(super) struct Command {
    pub(super) name: String,
    pub(super) folder: PathBuf,
    pub(super) make: Make,
    pub(super) tell: Tell,
}

/// A thread that keeps an Envoy running, until it is dropped.
pub(super) struct Keeper {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// How an Envoy is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct State {
    /// While it runs.
    pub(super) pid: Option<u32>,
    pub(super) restarts: u32,
    /// How often it has come up.
    pub(super) starts: u32,
    order: Order,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Order {
    #[default]
    Run,
    /// With another bootstrap.
    Again,
    End,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    ordered: Condvar,
}

impl Keeper {
    pub(super) fn start(command: Command, first: First) -> Result<Self, Error> {
        let shared = Arc::new(Shared::default());
        let kept = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name(command.name.chars().take(15).collect())
            .spawn(move || keep(&command, &kept, first))
            .map_err(|error| Error::Envoy(format!("a thread: {error}")))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    pub(super) fn state(&self) -> State {
        *self.shared.lock()
    }

    /// Has it end and start anew, and waits for that.
    pub(super) fn again(&self) {
        let before = self.state().starts;
        self.shared.order(Order::Again);
        let _ = wait::until(START, || (self.state().starts > before).then_some(()));
    }

    /// Has it end; who drops this waits for that.
    pub(super) fn end(&self) {
        self.shared.order(Order::End);
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.end();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn order(&self, order: Order) {
        let mut state = self.lock();
        // Who is to end does nothing else.
        if state.order != Order::End {
            state.order = order;
        }
        self.ordered.notify_all();
    }

    /// Waits for an order, which is carried out then.
    fn wait(&self, time: Duration) -> Order {
        let end = Instant::now() + time;
        let mut state = self.lock();
        loop {
            match state.order {
                Order::Run => {}
                Order::End => return Order::End,
                Order::Again => {
                    state.order = Order::Run;
                    return Order::Again;
                }
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Order::Run;
            }
            let waited = self.ordered.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn keep(command: &Command, shared: &Shared, first: First) {
    let mut first = Some(first);
    let mut pause = FIRST;
    loop {
        let begun = Instant::now();
        let how = match command.start() {
            Ok(envoy) => {
                {
                    let mut state = shared.lock();
                    state.pid = Some(envoy.pid());
                    state.starts = state.starts.saturating_add(1);
                }
                match first.take() {
                    Some(first) => drop(first.send((command.name.clone(), Ok(())))),
                    None => (command.tell)(Event::Started {
                        proxy: command.name.clone(),
                    }),
                }
                let ended = run(envoy, shared);
                shared.lock().pid = None;
                match ended {
                    Ended::ByOrder(Order::End) => return,
                    Ended::ByOrder(_) => {
                        pause = FIRST;
                        continue;
                    }
                    Ended::ByItself(how) => how,
                }
            }
            // Who waits for the first start says why it is none.
            Err(why) => match first.take() {
                Some(first) => {
                    let _ = first.send((command.name.clone(), Err(why)));
                    return;
                }
                None => why,
            },
        };
        if begun.elapsed() > WELL {
            pause = FIRST;
        }
        if shared.wait(SIGNAL) == Order::End {
            return;
        }
        (command.tell)(Event::Died {
            proxy: command.name.clone(),
            how,
            again_in_seconds: pause.as_secs(),
        });
        if shared.wait(pause) == Order::End {
            return;
        }
        pause = LONGEST.min(pause.saturating_mul(2));
        let mut state = shared.lock();
        state.restarts = state.restarts.saturating_add(1);
    }
}

enum Ended {
    ByOrder(Order),
    ByItself(String),
}

fn run(mut envoy: Envoy, shared: &Shared) -> Ended {
    loop {
        match shared.wait(LOOK) {
            Order::Run => {}
            order => return Ended::ByOrder(order),
        }
        if let Some(exit) = envoy.exit() {
            let tail = envoy.log().tail(LINES);
            return Ended::ByItself(format!("it ended with {exit}, and its log with\n{tail}"));
        }
    }
}

impl Command {
    fn start(&self) -> Result<Envoy, String> {
        let bootstrap = self.folder.join(files::BOOTSTRAP);
        let config = Config::from_file(&bootstrap).map_err(|error| error.to_string())?;
        let builder = Builder::new(config)
            .workers(1)
            .scratch(Scratch::of(&self.folder))
            .log_file(self.folder.join(of_proxy::LOG))
            .args(["--file-flush-interval-msec", "200"])
            .args(["--drain-time-s", sync::DRAIN_SECONDS])
            // What a connection does next is for the new listener, and not in some part of the time alone.
            .args(["--drain-strategy", "immediate"]);
        let builder = (self.make)(builder);
        builder.start().map_err(|error| error.to_string())
    }
}
