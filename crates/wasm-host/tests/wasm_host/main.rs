//! The wasm host itself: that it answers, defers, times and punishes as Envoy 1.40 does.
//!
//! The modules here are a few lines of WAT each, so that what they do is on the page. That the
//! answers are Envoy's was measured by running one probe in both; these tests keep it so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support: a panic is how a test fails"
)]

mod guest;
mod headers;
mod instructions;
mod lifecycle;
mod outward;
mod properties;
mod shared;
mod streams;
mod time;
