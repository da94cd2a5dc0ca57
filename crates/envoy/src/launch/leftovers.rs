//! Clearing away what a killed run of ours left behind, and nothing else.
//!
//! Everything started here carries the name of the process that started it. Where that process is
//! gone, its servers, containers and folders go too.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
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
    for (folder, owner) in folders() {
        if owner.is_gone() {
            remove(&folder);
        }
    }
    #[cfg(feature = "containers")]
    if super::engine::is_available() {
        super::engine::remove_orphans();
    }
}

/// Kills the servers of this process itself and removes their folders, for a process that is about to end and cannot
/// see to it in order. Containers are left to the next run.
pub fn clean_own() {
    let own = Owner::current();
    for (folder, owner) in folders() {
        if owner == own {
            remove(&folder);
        }
    }
}

/// The folders of servers, with whose they are.
fn folders() -> impl Iterator<Item = (PathBuf, Owner)> {
    let entries = fs::read_dir(std::env::temp_dir()).into_iter().flatten();
    entries.flatten().filter_map(|entry| {
        let path = entry.path();
        let is_named = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let owner = (is_named && is_ours(&path)).then(|| read(&path.join(OWNER)));
        Some((path, owner??))
    })
}

/// Whether it is a folder of this user's: in one of another's, anything could be written down as a
/// process to be killed.
fn is_ours(folder: &Path) -> bool {
    let found = fs::symlink_metadata(folder);
    found.is_ok_and(|found| found.is_dir() && found.uid() == geteuid().as_raw())
}

fn remove(folder: &Path) {
    end_servers(folder, DEPTH);
    let _ = fs::remove_dir_all(folder);
}

/// How far below a folder those of servers may lie.
const DEPTH: u32 = 2;

fn end_servers(folder: &Path, depth: u32) {
    if let Some(process) = read(&folder.join(PROCESS)) {
        process.kill();
    }
    if depth > 0 {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            // What a link leads to is not ours.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                end_servers(&entry.path(), depth - 1);
            }
        }
    }
}

fn read(file: &Path) -> Option<Owner> {
    fs::read_to_string(file).ok()?.parse().ok()
}
