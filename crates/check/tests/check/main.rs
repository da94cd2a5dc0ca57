//! What is found in files, and how it is mended. One program: each alone would be linked with all it uses.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod anything;
mod fix;
mod mesh;
mod resources;
mod rules;
