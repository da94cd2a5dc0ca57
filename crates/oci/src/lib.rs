//! Filters as OCI images: what Istio's agent fetches, what Kubernetes mounts as a volume, and what a
//! registry keeps.
//!
//! ```text
//! Module ─build→ Image ─write→ layout folder
//! Source (folder, archive, registry, Image) ─verify→ what Envoy gets, or why it would be refused
//!                                           └read→ Image
//! ```

mod build;
mod digest;
mod image;
mod json;
mod layer;
pub mod layout;
mod manifest;
pub mod media;
mod module;
mod refusal;
pub mod registry;
mod sbom;
mod source;
mod sums;
#[cfg(test)]
mod tests;
mod verify;

pub use build::{About, BuildError, FILTER, SCHEMA};
pub use digest::{Digest, NotADigest};
pub use image::{Blob, Image, Kind};
pub use layer::{Compression, LayerError, PLUGIN};
pub use module::{AGENT_LIMIT, Module, ModuleError};
pub use refusal::Refusal;
pub use sbom::{CARGO_TREE, SbomError, sbom};
pub use source::{Found, MANIFEST_LIMIT, Source, SourceError};
pub use sums::Sums;
pub use verify::{Expected, Verified, read, verify};
