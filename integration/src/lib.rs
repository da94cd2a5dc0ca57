//! What the tests, the demo and the benchmark stand on: a real Envoy, servers beside it, and the
//! engines that take one corpus of cases through Envoy and through the built modules.
//!
//! Nothing depends on this crate but tests and tools, so it may name anything; a harness that
//! cannot do its job panics with a message that says what is missing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test support: a panic is how a test fails"
)]

#[cfg(feature = "wasm")]
pub mod bench;
pub mod client;
pub mod demo;
pub mod engines;
pub mod envoy;
pub mod hostile;
pub mod jwt;
pub mod jwt_authn;
pub mod mesh;
pub mod module;
#[cfg(feature = "wasm")]
pub mod profile;
pub mod program;
pub mod protobuf;
pub mod rbac;
pub mod running;
pub mod schemas;
pub mod service;
pub mod shared;
pub mod tls;
pub mod updates;
pub mod upstream;
pub use ::envoy::listener;
