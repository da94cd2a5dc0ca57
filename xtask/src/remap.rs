//! Keeps this machine's paths out of the modules: panics carry source paths, so without this the
//! same source would give other bytes in another folder, and show where it was built.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::wasm_target;

/// Compiler flags for `CARGO_ENCODED_RUSTFLAGS`, which separates by 0x1f and so allows spaces.
///
/// `root` is where the shell and the core lie. A workspace elsewhere needs no flag: cargo hands the
/// compiler the files of the workspace it builds by their places in it.
pub(crate) fn flags(root: &Path, target: &Path) -> Result<OsString, String> {
    // The last match wins, so each place is preceded by the one that contains it.
    let mut places: Vec<(PathBuf, String)> = Vec::new();
    if let Some(home) = cargo_home() {
        // One folder per registry, named after where it was reached: a mirror is another name.
        let registries = std::fs::read_dir(home.join("registry/src"));
        places.push((home, "/cargo".to_owned()));
        for registry in registries.into_iter().flatten().flatten() {
            places.push((registry.path(), "/crates".to_owned()));
        }
    }
    // With the rust-src component installed the standard library would be named by its place
    // here, without it by its commit.
    let sources = wasm_target::sysroot(root)?.join("lib/rustlib/src/rust");
    places.push((sources, format!("/rustc/{}", commit(root)?)));
    places.push((root.to_owned(), "/mesh-filters".to_owned()));
    places.push((target.to_owned(), "/target".to_owned()));

    let mut flags = OsString::new();
    for (from, to) in places {
        if !flags.is_empty() {
            flags.push("\x1f");
        }
        flags.push("--remap-path-prefix=");
        flags.push(from);
        flags.push("=");
        flags.push(to);
    }
    Ok(flags)
}

fn cargo_home() -> Option<PathBuf> {
    match std::env::var_os("CARGO_HOME") {
        Some(home) => Some(home.into()),
        None => std::env::home_dir().map(|home| home.join(".cargo")),
    }
}

fn commit(root: &Path) -> Result<String, String> {
    let version = crate::process::read(wasm_target::rustc(root).arg("-vV"))?;
    let commit = version
        .lines()
        .find_map(|line| line.strip_prefix("commit-hash: "));
    Ok(commit.unwrap_or("unknown").to_owned())
}
