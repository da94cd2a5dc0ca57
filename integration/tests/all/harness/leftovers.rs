//! What a run that crashed leaves behind: no process, and the rest is removed by the next one.

use std::path::PathBuf;
use std::process::Command;

use integration::client::Client;
use integration::envoy::{Envoy, Launcher, clean_leftovers};
use integration::service::wait::until;

use super::{SOON, config};

/// Starts an Envoy in a process of its own and lets that process crash: the number of Envoy's
/// process, and its folder.
fn crash() -> (u32, PathBuf) {
    let output = Command::new(env!("CARGO_BIN_EXE_leave-envoy"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = said.lines().find_map(|line| line.split_once("left over: "));
    let (pid, folder) = line
        .and_then(|(_, rest)| rest.split_once(' '))
        .unwrap_or_else(|| {
            panic!(
                "the helper said\n{said}\n{}",
                String::from_utf8_lossy(&output.stderr)
            )
        });
    (pid.parse().unwrap(), folder.into())
}

#[test]
fn smoke_leftovers_of_a_crashed_run_are_removed() {
    let ours = Envoy::builder(config()).start();
    let (pid, folder) = crash();
    let process = PathBuf::from(format!("/proc/{pid}"));
    let has_ended = || until(SOON, || (!process.exists()).then_some(())).is_some();
    if ours.launcher() == Launcher::Process {
        assert!(has_ended(), "an Envoy outlives what started it");
    }

    clean_leftovers();

    assert!(has_ended());
    assert!(!folder.exists());
    let response = Client::http1(ours.addr("direct")).get("/").send();
    assert_eq!(response.text(), "here");
}
