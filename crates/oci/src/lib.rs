//! Filters as OCI images: what Istio's agent fetches, what Kubernetes mounts as a volume, and what a
//! registry keeps.
//!
//! An [`Image`] is one in memory; a [`Source`] is wherever one is read, an image among them.

mod digest;
mod image;
pub mod media;
pub mod registry;
mod source;

pub use digest::{Digest, NotADigest};
pub use image::{Blob, Image, Kind};
pub use source::{Found, MANIFEST_LIMIT, Source, SourceError};
