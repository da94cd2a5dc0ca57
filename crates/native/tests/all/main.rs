//! What Envoy's own filters are converted to, kind by kind, and that nothing of them is dropped in silence.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod common;
mod faults;
mod hostile;
mod limits;
mod mixer;
mod policies;
mod silence;
mod tokens;
