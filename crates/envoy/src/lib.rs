//! A real Envoy as a process or a container: found, fetched, started, asked and stopped.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "moved as it was in `integration`"
)]

mod admin;
mod binary;
mod builder;
mod companion;
mod config;
mod envoy;
mod http;
#[cfg(feature = "containers")]
mod image;
pub mod launch;
mod launcher;
pub mod listener;
mod wheel;

pub use admin::Admin;
pub use builder::{Builder, StartFailure};
pub use companion::{Companion, Spec, tool};
pub use config::Config;
pub use envoy::{Envoy, VERSION, repository};
pub use launch::leftovers::clean as clean_leftovers;
pub use launch::scratch::Scratch;
pub use launcher::Launcher;
