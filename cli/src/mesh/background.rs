//! A mesh that runs on when its command has ended: in a process of its own, which tells when it is ready.

use std::env;
use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::ending::{Ending, Failure};

/// What the command line of that process has more.
pub(super) const FLAG: &str = "--background";

/// Starts the same command in the background, and waits until it is ready: the mesh, or how it ended instead. What it
/// says until then it says itself.
pub(super) fn start() -> Result<Result<Value, Ending>, Failure> {
    let failed = |error: io::Error| Failure::new(format!("the mesh cannot be started: {error}"));
    let program = env::current_exe().map_err(failed)?;
    let mut child = Command::new(program)
        .args(env::args_os().skip(1))
        .arg(FLAG)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout)
            .read_line(&mut line)
            .map_err(failed)?;
    }
    if let Ok(mesh) = serde_json::from_str(&line) {
        return Ok(Ok(mesh));
    }
    let exit = child.wait().map_err(failed)?;
    match exit.code() {
        Some(1) => Ok(Err(Ending::Found)),
        Some(2) => Ok(Err(Ending::Partial)),
        _ => Err(Failure::new(format!(
            "the mesh has ended while it started: {exit}"
        ))),
    }
}

/// Leaves the terminal: a Ctrl-C there is not for this process.
pub(super) fn leave() {
    // It leads a session already where this fails.
    let _ = rustix::process::setsid();
}

/// Tells that the mesh is ready, and from then on writes into a file: whoever waits for the end of what the command says
/// is not to wait for the mesh.
pub(super) fn ready(mesh: &Value, events: &Path) -> Result<(), Failure> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(events)
        .map_err(|error| Failure::at(events, error))?;
    let mut stdout = io::stdout().lock();
    let told = writeln!(stdout, "{mesh}").and_then(|()| stdout.flush());
    told.map_err(|error| Failure::new(format!("nobody waits for the mesh any more: {error}")))?;
    let moved = rustix::stdio::dup2_stdout(&file).and_then(|()| rustix::stdio::dup2_stderr(&file));
    moved.map_err(|error| Failure::at(events, error))
}
