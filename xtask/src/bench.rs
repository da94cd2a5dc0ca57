//! `cargo xtask bench`: builds what is measured, then hands over to `integration`'s benchmark.

use std::path::Path;
use std::process::ExitCode;

use crate::workspace::Workspace;
use crate::{Failure, build, process};

/// Every flag takes a value; checked here so that a typo does not cost a build.
const FLAGS: [&str; 5] = ["--scenario", "--rounds", "--seconds", "--json", "--compare"];

pub(crate) fn run(flags: &[String]) -> Result<ExitCode, Failure> {
    let mut words = flags.iter();
    while let Some(flag) = words.next() {
        if !FLAGS.contains(&flag.as_str()) {
            return Err(Failure::Usage(format!("bench has no flag `{flag}`")));
        }
        if words.next().is_none() {
            return Err(Failure::Usage(format!("bench: `{flag}` needs a value")));
        }
    }
    build::build(&Workspace::find()?, &build::Options::default())?;
    // Here and not in the root, because files are named from where the command is given.
    let mut bench = process::cargo(Path::new("."));
    bench.args(["run", "-p", "integration", "--no-default-features"]);
    // The wasm host counts host calls; Envoy runs as a process, whose time can be read.
    bench.args(["--features", "wasm", "--bin", "bench", "--"]);
    bench.args(flags);
    Err(process::replace(&mut bench).into())
}
