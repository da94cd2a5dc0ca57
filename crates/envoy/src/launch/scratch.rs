//! A folder for what one server reads and writes, seen under the same path inside its container.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::owner::Owner;
use crate::Error;

/// How the folders are named; the process number and a count follow.
pub(super) const PREFIX: &str = "mesh-filters-";
/// The file that says whose folder it is.
pub(super) const OWNER: &str = ".owner";
/// The file that says which process was started for it.
pub(super) const PROCESS: &str = ".process";

/// A fresh folder that goes when it is dropped, or one of somebody else's that stays.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    stays: bool,
}

impl Scratch {
    /// Makes the folder, in the folder for temporary files (`TMPDIR`).
    ///
    /// # Errors
    /// That folder cannot be written to.
    pub fn new() -> Result<Self, Error> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        // A process may share the temporary folder with another one of the same number, in a
        // container: the first name that nobody has is taken.
        let path = loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("{PREFIX}{}-{count}", std::process::id());
            let path = std::env::temp_dir().join(name);
            match fs::create_dir(&path) {
                Ok(()) => break path,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::file(&path, error)),
            }
        };
        let stays = false;
        let scratch = Self { path, stays };
        scratch.write(OWNER, &Owner::current().to_string())?;
        Ok(scratch)
    }

    /// A folder that is there already and stays: whoever made it removes it, as where one server after another reads
    /// what is in it. Where it lies below a [`Scratch::new`], a server that is left over of it is ended with that one.
    pub fn of(path: impl Into<PathBuf>) -> Self {
        let (path, stays) = (path.into(), true);
        Self { path, stays }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file and returns its path. The file appears whole under its name, by renaming,
    /// which is also the one change that Envoy's file subscriptions notice.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        let part = self.path.join(format!("{name}.part"));
        fs::write(&part, text)
            .and_then(|()| fs::rename(&part, &path))
            .map_err(|error| Error::file(&path, error))?;
        Ok(path)
    }

    /// Reads a file; `None` while it is not there.
    pub fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path.join(name)).ok()
    }

    pub(super) fn record_process(&self, pid: u32) {
        if let Some(process) = Owner::of(pid) {
            // Without it a crash leaves one process more: no reason not to start.
            let _ = self.write(PROCESS, &process.to_string());
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.stays {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
