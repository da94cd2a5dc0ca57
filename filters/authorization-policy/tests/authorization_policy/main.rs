//! What policies decide, and what of it is found quickly. One program: each alone would be linked with all it uses.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a panic is how a test fails"
)]

mod any_configuration;
mod asks;
mod closest;
mod index;
mod shapes;
