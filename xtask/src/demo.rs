//! `cargo xtask demo`: builds the filters it shows, and the program where it shows a mesh, then hands over to
//! `integration`'s demo.

use std::process::ExitCode;

use crate::workspace::Workspace;
use crate::{Failure, build, process};

const SHOWN: [&str; 2] = ["mesh-filters", "fault-injection"];
/// What a mesh has its policies by, and the program that runs one.
const MESH: [&str; 1] = ["mesh-filters"];
const PROGRAM: &str = "mesh-filters";

pub(crate) fn run(flags: &[String]) -> Result<ExitCode, Failure> {
    let known = ["--keep", "--mesh"];
    if let Some(other) = flags.iter().find(|flag| !known.contains(&flag.as_str())) {
        return Err(Failure::Usage(format!("demo has no flag `{other}`")));
    }
    let is_mesh = flags.iter().any(|flag| flag == "--mesh");
    let workspace = Workspace::find()?;
    let shown: &[&str] = if is_mesh { &MESH } else { &SHOWN };
    for shown in shown {
        let options = build::Options {
            only: Some((*shown).to_owned()),
            ..build::Options::default()
        };
        build::build(&workspace, &options)?;
    }
    if is_mesh {
        let mut program = process::cargo(&workspace.root);
        process::run(program.args(["build", "--package", PROGRAM]))?;
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
