//! Registries: an image pushed, and a [`Source`](crate::Source) over one that is there.
//!
//! The protocol is the OCI distribution specification's, of which this takes six requests; what Istio's
//! agent does with a registry is done alike (`pkg/wasm/imagefetcher.go`): names without a host are Docker
//! Hub's, an index is followed, registries on loopback may speak plain HTTP. Everything read is read up
//! to a limit, whatever a registry says of its size, and every answer that is not the one to be expected
//! is an [`Error`].
//!
//! Calls block. Nothing here keeps a secret longer than the [`Remote`] lives, or writes one into an
//! error.

mod answer;
mod auth;
mod credentials;
mod error;
mod http;
mod options;
mod pull;
mod push;
mod reference;
mod remote;
mod retry;

pub use credentials::docker_folder;
pub use error::{CredentialsError, Error, Operation};
pub use options::{Event, Options};
pub use push::{Pushed, push};
pub use reference::{Reference, ReferenceError};
pub use remote::Remote;
