//! `cargo xtask demo`: a real Envoy with the filters, a few requests, and what became of each.
//!
//! One thread acts and prints; the main thread waits for it or for Ctrl-C, and then ends Envoy,
//! whatever the other one is at. What is expected of each request is data, and the demo compares:
//! it fails where the filter does not do what the table says.

mod by_hand;
mod interrupt;
mod mesh;
mod perform;
mod print;
mod sample;
mod script;
mod shipped;
mod stage;

use std::any::Any;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

pub use shipped::Shipped;

use mesh::Mesh;
use stage::Stage;

/// A terminal interrupts Envoy as well, which may fail the script a moment before the signal is
/// seen here.
const SIGNAL: Duration = Duration::from_millis(300);

enum Event {
    /// The number of the signal.
    Interrupted(u8),
    Ended(Result<(), String>),
}

/// Runs the demo; with `keep`, until Ctrl-C.
pub fn run(keep: bool) -> ExitCode {
    let stage = Arc::new(Stage::new());
    let acting = Arc::clone(&stage);
    let act = move |events: &Sender<Event>| act(&acting, keep, events);
    watched(keep, "stopping Envoy", act, || stage.clear())
}

/// Runs the story of a mesh; with `keep`, until Ctrl-C.
pub fn run_mesh(keep: bool) -> ExitCode {
    let mesh = Arc::new(Mesh::new());
    let acting = Arc::clone(&mesh);
    let act = move |events: &Sender<Event>| {
        tell(events, || mesh::run(&acting, keep));
    };
    watched(keep, "taking the mesh down", act, || mesh.clear())
}

/// Acts on a thread of its own, and clears what it left when that has ended or somebody interrupted.
fn watched(
    keep: bool,
    ending: &str,
    act: impl FnOnce(&Sender<Event>) + Send + 'static,
    clear: impl FnOnce(),
) -> ExitCode {
    let (events, happening) = channel();
    interrupt::watch(events.clone());
    // What goes wrong is said once, at the end, unless it is only that somebody interrupted.
    std::panic::set_hook(Box::new(|_| ()));
    thread::spawn(move || act(&events));
    let code = wait(keep, ending, &happening);
    clear();
    code
}

fn act(stage: &Stage, keep: bool, events: &Sender<Event>) {
    if tell(events, || perform::run(stage, keep)) && keep {
        // Ends with Envoy.
        print::access_log(stage);
    }
}

/// Tells how it ended, a panic included; whether that was well.
fn tell(events: &Sender<Event>, act: impl FnOnce() -> Result<(), String>) -> bool {
    let result = catch_unwind(AssertUnwindSafe(act));
    let well = matches!(result, Ok(Ok(())));
    let result = result.unwrap_or_else(|panic| Err(text(&*panic)));
    let _ = events.send(Event::Ended(result));
    well
}

fn wait(keep: bool, ending: &str, happening: &Receiver<Event>) -> ExitCode {
    let problem = match happening.recv() {
        Ok(Event::Ended(Ok(()))) if !keep => return ExitCode::SUCCESS,
        Ok(Event::Ended(Ok(()))) => {
            let _ = happening.recv();
            say(ending);
            return ExitCode::SUCCESS;
        }
        Ok(Event::Ended(Err(problem))) => problem,
        Ok(Event::Interrupted(signal)) => return interrupted(signal, ending),
        Err(_) => "it ended without a word".to_owned(),
    };
    match happening.recv_timeout(SIGNAL) {
        Ok(Event::Interrupted(signal)) => interrupted(signal, ending),
        _ => {
            say(&format!("demo: {problem}"));
            ExitCode::FAILURE
        }
    }
}

/// The code of a program that a signal ended, as shells have it.
fn interrupted(signal: u8, ending: &str) -> ExitCode {
    say(&format!("interrupted, {ending}"));
    ExitCode::from(128 + signal)
}

/// A terminal that was closed must not keep Envoy from being ended.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "\n{text}");
}

/// The harness panics with a message that says what is missing.
fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "it failed without a word".to_owned())
}
