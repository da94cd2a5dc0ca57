//! The engines of cases that need more than the filter's own code: the built module under wasmtime,
//! and a real Envoy.

mod envoy;
#[cfg(feature = "wasm")]
mod wasm;

use std::fs;
use std::path::PathBuf;

use cases::File;

use crate::envoy::repository;

pub use envoy::InEnvoy;
#[cfg(feature = "wasm")]
pub use wasm::InWasm;

/// The built module of a filter.
pub fn module_path(filter: &str) -> PathBuf {
    let path = repository().join(format!("dist/{filter}.wasm"));
    assert!(
        path.is_file(),
        "{} is missing; run `cargo xtask build`",
        path.display()
    );
    path
}

/// The versions whose configurations are kept, with what they decided: the folders of `integration/upgrade/`.
pub fn stored_versions() -> Vec<String> {
    let folder = repository().join("integration/upgrade");
    let entries = fs::read_dir(&folder).unwrap();
    let mut versions: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    versions.sort();
    assert!(!versions.is_empty(), "no version in {}", folder.display());
    versions
}

/// The configurations of a version, a file for each filter.
pub fn stored(version: &str) -> Vec<File> {
    let folder = repository().join("integration/upgrade").join(version);
    let read = catalog::filters().iter().map(|filter| {
        let file = folder.join(format!("{}.yaml", filter.name()));
        File::read(filter.name(), file).unwrap_or_else(|error| panic!("{error}"))
    });
    read.collect()
}
