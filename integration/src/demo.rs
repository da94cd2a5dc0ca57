//! `cargo xtask demo`: a real Envoy with the filters, a few requests, and what became of each.
//!
//! One thread acts and prints; the main thread waits for it or for Ctrl-C, and then ends Envoy,
//! whatever the other one is at. What is expected of each request is data, and the demo compares:
//! it fails where the filter does not do what the table says.

mod by_hand;
mod interrupt;
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
    let (events, happening) = channel();
    interrupt::watch(events.clone());
    let stage = Arc::new(Stage::new());
    // What goes wrong is said once, at the end, unless it is only that somebody interrupted.
    std::panic::set_hook(Box::new(|_| ()));
    thread::spawn({
        let stage = Arc::clone(&stage);
        move || act(&stage, keep, &events)
    });
    let code = wait(keep, &happening);
    stage.clear();
    code
}

fn act(stage: &Stage, keep: bool, events: &Sender<Event>) {
    let result = catch_unwind(AssertUnwindSafe(|| perform::run(stage, keep)));
    let well = matches!(result, Ok(Ok(())));
    let result = result.unwrap_or_else(|panic| Err(text(&*panic)));
    let _ = events.send(Event::Ended(result));
    if well && keep {
        // Ends with Envoy.
        print::access_log(stage);
    }
}

fn wait(keep: bool, happening: &Receiver<Event>) -> ExitCode {
    let problem = match happening.recv() {
        Ok(Event::Ended(Ok(()))) if !keep => return ExitCode::SUCCESS,
        Ok(Event::Ended(Ok(()))) => {
            let _ = happening.recv();
            say("stopping Envoy");
            return ExitCode::SUCCESS;
        }
        Ok(Event::Ended(Err(problem))) => problem,
        Ok(Event::Interrupted(signal)) => return interrupted(signal),
        Err(_) => "it ended without a word".to_owned(),
    };
    match happening.recv_timeout(SIGNAL) {
        Ok(Event::Interrupted(signal)) => interrupted(signal),
        _ => {
            say(&format!("demo: {problem}"));
            ExitCode::FAILURE
        }
    }
}

/// The code of a program that a signal ended, as shells have it.
fn interrupted(signal: u8) -> ExitCode {
    say("interrupted, stopping Envoy");
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
