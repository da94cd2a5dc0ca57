//! Expressions, peers and telemetry. One program: each alone would be linked with all it uses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod any_configuration;
mod ceilings;
mod evaluated_here;
mod expressions;
mod peers;
mod telemetry;
#[path = "../world/mod.rs"]
mod world;
