//! The files of `envoy-configs/`, each run as its reader will run it: whatever a file or its
//! comments promise is tried here, so that neither can rot.
//!
//! Tests named `smoke_process_*` run Envoy as a process whatever this machine offers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod authorization;
mod comments;
mod curl;
mod demo;
mod embedded;
mod istio;
mod istio_rate_limit;
mod local;

use integration::demo::Shipped;

/// Every file of ours.
const FOLDER: &str = "envoy-configs";

/// The files that Envoy reads, of all there are: the others are resources of Kubernetes.
fn bootstraps() -> Vec<Shipped> {
    let mut files = Shipped::all(FOLDER);
    files.retain(|file| {
        let mut lines = file.text().lines();
        lines.any(|line| line.starts_with("static_resources:"))
    });
    assert!(!files.is_empty());
    files
}

#[test]
fn envoy_accepts_every_file_as_it_is() {
    for file in bootstraps() {
        if let Err(log) = file.envoy().validate() {
            let problems = log
                .lines()
                .filter(|line| !line.contains("[info]"))
                .collect::<Vec<_>>();
            panic!("{}: {}", file.path(), problems.join("\n"));
        }
    }
}
