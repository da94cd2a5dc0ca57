//! One story through a mesh on this machine, by the program as a user has it: `mesh-filters mesh up`, `apply`, `down`.

mod ask;
mod story;
mod told;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard};

use crate::envoy::{self, Scratch, repository};
use told::Told;

pub(super) use story::run;

/// The program, and a folder of files for a mesh, which is taken down with it.
pub(super) struct Mesh {
    scratch: Scratch,
    envoy: PathBuf,
    is_up: Mutex<bool>,
}

/// The objects, by the names that they have in `envoy-configs/mesh`.
const OBJECTS: &str = "envoy-configs/mesh";

impl Mesh {
    /// Of nothing yet.
    pub(super) fn new() -> Self {
        Mesh {
            scratch: Scratch::new().expect("a folder for the mesh"),
            envoy: envoy::program(),
            is_up: Mutex::new(false),
        }
    }

    /// Where its configurations and logs are.
    fn folder(&self) -> PathBuf {
        self.scratch.path().join("mesh")
    }

    /// Where its objects are.
    fn objects(&self) -> PathBuf {
        self.scratch.path().join("objects")
    }

    /// Puts a file of `envoy-configs/mesh` among its objects, changed if need be.
    fn put(&self, name: &str, change: impl FnOnce(String) -> String) -> Result<(), String> {
        let from = repository().join(OBJECTS).join(name);
        let text = fs::read_to_string(&from).map_err(|error| said(&from, error))?;
        let into = self.objects();
        fs::create_dir_all(&into).map_err(|error| said(&into, error))?;
        let file = into.join(name);
        fs::write(&file, change(text)).map_err(|error| said(&file, error))
    }

    fn take_away(&self, name: &str) -> Result<(), String> {
        let file = self.objects().join(name);
        fs::remove_file(&file).map_err(|error| said(&file, error))
    }

    /// Brings it up: where everything is.
    fn up(&self) -> Result<Told, String> {
        // Whoever clears meanwhile waits until it is there.
        let mut is_up = self.lock();
        *is_up = true;
        let objects = self.objects();
        let options = ["--detach", "--format", "json", "--file"].map(OsStr::new);
        let options = [options.as_slice(), &[objects.as_os_str()]].concat();
        let told = self.mesh("up", &options)?;
        serde_json::from_str(&told).map_err(|error| format!("`mesh up` said {told}: {error}"))
    }

    /// Has it take its objects as they are now.
    fn apply(&self) -> Result<(), String> {
        self.mesh("apply", &[]).map(drop)
    }

    /// Takes it down.
    fn down(&self) -> Result<(), String> {
        let mut is_up = self.lock();
        if std::mem::take(&mut *is_up) {
            self.mesh("down", &[])?;
        }
        Ok(())
    }

    /// Takes down what is up.
    pub(super) fn clear(&self) {
        // Where it cannot be ended there is nobody left to hear of it.
        let _ = self.down();
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_up
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// What the program says of this mesh, where it is well.
    fn mesh(&self, verb: &str, options: &[&OsStr]) -> Result<String, String> {
        let mut program = Command::new(program()?);
        program.args(["mesh", verb]).args(options);
        program.arg("--folder").arg(self.folder());
        program
            .current_dir(repository())
            .env("ENVOY_BIN", &self.envoy);
        let ended = program
            .output()
            .map_err(|error| format!("`mesh {verb}`: {error}"))?;
        match ended.status.success() {
            true => Ok(String::from_utf8_lossy(&ended.stdout).into_owned()),
            false => Err(format!(
                "`mesh-filters mesh {verb}` ended with {}: {}",
                ended.status,
                String::from_utf8_lossy(&ended.stderr).trim_end()
            )),
        }
    }
}

/// The program, which cargo puts beside the demo.
fn program() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let program = own.with_file_name("mesh-filters");
    match program.is_file() {
        true => Ok(program),
        false => Err(format!(
            "no {}; run `cargo build -p mesh-filters`",
            program.display()
        )),
    }
}

fn said(path: &Path, error: impl std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}
