//! Children that end with this process, however it ends.
//!
//! Linux kills them when the thread that started them is gone. Threads come and go, and a server
//! outlives the test that asked for it: so one thread starts them all, and stays.

use std::io;
use std::process::{Child, Command};
use std::sync::{OnceLock, mpsc};
use std::thread;

/// A command, and where its child is awaited.
type Order = (Command, mpsc::Sender<io::Result<Child>>);

/// Starts a child that is killed when this process is gone.
pub(super) fn spawn(command: Command) -> io::Result<Child> {
    static STARTER: OnceLock<io::Result<mpsc::Sender<Order>>> = OnceLock::new();
    let gone = || io::Error::other("the thread that starts servers is gone");
    let starter = STARTER.get_or_init(start).as_ref();
    let starter = starter.map_err(|error| io::Error::new(error.kind(), error.to_string()))?;
    let (answer, child) = mpsc::channel();
    starter.send((command, answer)).map_err(|_| gone())?;
    child.recv().map_err(|_| gone())?
}

fn start() -> io::Result<mpsc::Sender<Order>> {
    let (starter, orders) = mpsc::channel::<Order>();
    let work = move || {
        for (mut command, answer) in orders {
            die_with_us(&mut command);
            let _ = answer.send(command.spawn());
        }
    };
    thread::Builder::new()
        .name("server-starter".to_owned())
        .spawn(work)?;
    Ok(starter)
}

#[cfg(target_os = "linux")]
fn die_with_us(command: &mut Command) {
    use std::os::unix::process::CommandExt;

    use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

    let parent = getpid();
    let ask = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // This process may have ended before the child could ask.
        match getppid() == Some(parent) {
            true => Ok(()),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    };
    // SAFETY: between fork and exec it makes two system calls, and neither allocates nor locks.
    unsafe { command.pre_exec(ask) };
}

#[cfg(not(target_os = "linux"))]
fn die_with_us(_command: &mut Command) {}
