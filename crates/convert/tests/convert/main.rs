//! Objects as configurations of ours and back. One program: each alone would be linked with all it uses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod nothing_in_silence;
mod objects;
mod round_trip;
