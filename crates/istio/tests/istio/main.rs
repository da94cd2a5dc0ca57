//! Objects as the API server and istiod take them, and what they put on a listener. One program: each alone would be
//! linked with all it uses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod extension_reading;
mod extension_rendering;
mod patches;
mod validation;
