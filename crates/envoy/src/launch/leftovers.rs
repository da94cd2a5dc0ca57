//! Clearing away what a killed run of ours left behind, and nothing else.
//!
//! Everything started here carries the name of the process that started it. Where that process is
//! gone, its servers, containers and folders go too.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Once;

use rustix::process::geteuid;

use super::owner::Owner;
use super::scratch::{OWNER, PREFIX, PROCESS};

/// Clears leftovers away, the first time it is called in a process.
pub(crate) fn clean_once() {
    static CLEAN: Once = Once::new();
    CLEAN.call_once(clean);
}

/// Removes the servers, containers and folders of runs that were killed. The first server that a
/// process starts does it too.
pub fn clean() {
    for folder in fs::read_dir(std::env::temp_dir())
        .into_iter()
        .flatten()
        .flatten()
    {
        let path = folder.path();
        if folder.file_name().to_string_lossy().starts_with(PREFIX) && is_ours(&path) {
            clean_folder(&path);
        }
    }
    #[cfg(feature = "containers")]
    if super::engine::is_available() {
        super::engine::remove_orphans();
    }
}

/// Whether it is a folder of this user's: in one of another's, anything could be written down as a
/// process to be killed.
fn is_ours(folder: &Path) -> bool {
    let found = fs::symlink_metadata(folder);
    found.is_ok_and(|found| found.is_dir() && found.uid() == geteuid().as_raw())
}

fn clean_folder(folder: &Path) {
    if read(&folder.join(OWNER)).is_none_or(|owner| !owner.is_gone()) {
        return;
    }
    if let Some(process) = read(&folder.join(PROCESS)) {
        process.kill();
    }
    let _ = fs::remove_dir_all(folder);
}

fn read(file: &Path) -> Option<Owner> {
    fs::read_to_string(file).ok()?.parse().ok()
}
