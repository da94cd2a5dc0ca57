//! A folder for what one server reads and writes, seen under the same path inside its container.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::owner::Owner;

/// How the folders are named; the process number and a count follow.
pub(super) const PREFIX: &str = "mesh-filters-";
/// The file that says whose folder it is.
pub(super) const OWNER: &str = ".owner";
/// The file that says which process was started for it.
pub(super) const PROCESS: &str = ".process";

/// A fresh folder that goes when it is dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes the folder.
    #[expect(
        clippy::new_without_default,
        reason = "it makes a folder: nothing to default to"
    )]
    pub fn new() -> Self {
        let path = (0..)
            .find_map(Self::claim)
            .expect("as many names as one could want");
        let scratch = Self { path };
        scratch.write(OWNER, &Owner::current().to_string());
        scratch
    }

    /// Takes a name that nobody has: a process may share the temporary folder with another one of
    /// the same number, in a container.
    fn claim(_attempt: u32) -> Option<PathBuf> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        match fs::create_dir(&path) {
            Ok(()) => Some(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => None,
            Err(error) => panic!("making {}: {error}", path.display()),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file and returns its path. The file appears whole under its name, by renaming,
    /// which is also the one change that Envoy's file subscriptions notice.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path.join(name);
        let part = self.path.join(format!("{name}.part"));
        fs::write(&part, text)
            .and_then(|()| fs::rename(&part, &path))
            .unwrap_or_else(|error| panic!("writing {}: {error}", path.display()));
        path
    }

    /// Reads a file; `None` while it is not there.
    pub fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path.join(name)).ok()
    }

    pub(super) fn record_process(&self, pid: u32) {
        if let Some(process) = Owner::of(pid) {
            self.write(PROCESS, &process.to_string());
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}
