//! What limits count and tell, and what a service says. One program: each alone would be linked with all it uses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod any_configuration;
mod flood;
mod service;
mod told;
