//! `cargo xtask demo`: builds the filters it shows, then hands over to `integration`'s demo.

use std::process::ExitCode;

use crate::workspace::Workspace;
use crate::{Failure, build, process};

const SHOWN: [&str; 2] = ["mesh-filters", "fault-injection"];

pub(crate) fn run(flags: &[String]) -> Result<ExitCode, Failure> {
    if let Some(other) = flags.iter().find(|flag| flag.as_str() != "--keep") {
        return Err(Failure::Usage(format!("demo has no flag `{other}`")));
    }
    let workspace = Workspace::find()?;
    for shown in SHOWN {
        let options = build::Options {
            only: Some(shown.to_owned()),
            ..build::Options::default()
        };
        build::build(&workspace, &options)?;
    }
    let mut demo = process::cargo(&workspace.root);
    demo.args(["run", "-p", "integration", "--no-default-features"]);
    if needs_container() {
        demo.args(["--features", "containers"]);
    }
    demo.args(["--bin", "demo", "--"]).args(flags);
    Err(process::replace(&mut demo).into())
}

/// An Envoy that can be fetched as a program is for Linux on x86-64 only. Elsewhere it takes a
/// container, and a longer build, unless an Envoy is at hand.
fn needs_container() -> bool {
    let fetchable = cfg!(all(target_os = "linux", target_arch = "x86_64"));
    let asked_for = std::env::var_os("MESH_FILTERS_ENVOY").is_some_and(|way| way == "container");
    asked_for || !(fetchable || std::env::var_os("ENVOY_BIN").is_some())
}
