//! Finding meshes that run.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::folder::{MESH, POINTER, SOCKET};

/// The folders of this user's meshes that answer, the newest first.
#[must_use]
pub fn running() -> Vec<PathBuf> {
    let own = rustix::process::geteuid().as_raw();
    let entries = fs::read_dir(std::env::temp_dir()).into_iter().flatten();
    let mut found: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        let is_ours =
            fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir() && found.uid() == own);
        if !is_ours {
            continue;
        }
        let Ok(folder) = fs::read_to_string(path.join(POINTER)) else {
            continue;
        };
        let folder = PathBuf::from(folder);
        let begun = fs::metadata(path.join(POINTER)).and_then(|found| found.modified());
        if let (true, Ok(begun)) = (runs(&folder), begun) {
            found.push((begun, folder));
        }
    }
    found.sort_by(|one, other| other.cmp(one));
    found.into_iter().map(|(_, folder)| folder).collect()
}

/// Whether the mesh of a folder answers.
#[must_use]
pub fn runs(folder: &Path) -> bool {
    folder.join(MESH).exists()
        && std::os::unix::net::UnixStream::connect(folder.join(SOCKET)).is_ok()
}
