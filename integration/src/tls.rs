//! Real mutual TLS for tests: an authority, the certificates it issues, and what a client shows.
//!
//! Everything is minted where it is needed and handed to Envoy inline, so it works in a container as
//! well as in a process, and no test depends on a file or on the year.

mod authority;
mod connect;
mod identity;

pub use authority::{Authority, Issued, Names};
pub use connect::Tls;
