//! Case files: how they are read, what comes of them, and their schemas. One program: each alone would be linked with
//! all it uses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

mod first;
mod own_schema;
mod reading;
mod reporting;
mod schemas;
