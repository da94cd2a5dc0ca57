//! The engines of cases that need more than the filter's own code: the built module under wasmtime,
//! and a real Envoy.

mod envoy;
#[cfg(feature = "wasm")]
mod wasm;

use std::path::PathBuf;

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
