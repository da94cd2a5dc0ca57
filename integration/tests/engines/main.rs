//! Languages that users write in and Envoy reads: what its own engines answer, beside what ours do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a panic is how a test fails"
)]

mod expressions;
mod places;
mod regexes;
