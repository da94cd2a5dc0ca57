//! The engine of cases in the built module under wasmtime, and what they and a real Envoy run.

#[cfg(feature = "wasm")]
mod wasm;

use std::fs;
use std::path::PathBuf;

use cases::File;
use envoy_cases::InEnvoy;

use crate::envoy::{Install, Launcher, expect, repository};

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

/// An Envoy with the suites of a file, in the modules that were built.
#[track_caller]
pub fn in_envoy(file: &File, launcher: Launcher) -> InEnvoy {
    let module = |filter: &str| Ok(module_path(filter));
    expect(InEnvoy::start(file, module, |builder| {
        let builder = builder.launcher(launcher).install(Install::OnDebian);
        builder.start()
    }))
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
