//! What a run that crashed leaves behind is removed by the next one.

use std::path::PathBuf;
use std::process::Command;

use integration::client::Client;
use integration::envoy::{Envoy, Launcher, clean_leftovers};
use integration::service::wait::until;

use super::{SOON, config};

/// Starts an Envoy in a process of its own and lets that process crash: the number of Envoy's
/// process, and its folder.
fn crash(launcher: Launcher) -> (u32, PathBuf) {
    let launcher = match launcher {
        Launcher::Container => "container",
        Launcher::Process => "process",
    };
    let output = Command::new(env!("CARGO_BIN_EXE_leave-envoy"))
        .env("MESH_FILTERS_ENVOY", launcher)
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

fn leftovers_go_and_nothing_else(launcher: Launcher) {
    let ours = Envoy::builder(config()).launcher(launcher).start();
    let (pid, folder) = crash(launcher);

    clean_leftovers();

    let process = PathBuf::from(format!("/proc/{pid}"));
    assert!(until(SOON, || (!process.exists()).then_some(())).is_some());
    assert!(!folder.exists());
    let response = Client::http1(ours.addr("direct")).get("/").send();
    assert_eq!(response.text(), "here");
}

#[test]
fn leftovers_of_a_crashed_run_are_removed() {
    leftovers_go_and_nothing_else(Launcher::detect().unwrap());
}

#[test]
fn smoke_process_leftovers_of_a_crashed_run_are_removed() {
    leftovers_go_and_nothing_else(Launcher::Process);
}
