//! Everything that needs a built module or a real Envoy, a module for each group. It is one program,
//! because each links a wasm compiler and an HTTP stack, and that took longer than most groups.
//!

//! One group alone: `cargo test -p integration --test all -- rate_limit::`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a panic is how a test fails"
)]

mod authorization_policy;
mod cases_in_envoy;
mod configs;
mod convert;
mod converted;
mod engines;
mod explained;
mod fault_injection;
mod harness;
mod images;
mod mesh;
mod modules;
mod one_module;
mod rate_limit;
mod registry;
mod remote;
mod request_authentication;
mod run;
mod shell;
mod telemetry_tags;
mod trapping;
mod upgrade;
