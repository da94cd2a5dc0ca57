//! The filter as it is loaded: keys, tokens and requests. One program: each alone would be linked with all it uses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a panic is how a test fails"
)]

mod any_configuration;
mod decisions;
#[path = "../mint/mod.rs"]
mod mint;
mod remote;
#[path = "../rig/mod.rs"]
mod rig;
mod vectors;
mod verification;
