//! The program, run as people run it. One test program for all verbs, because each would be linked anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod check;
mod convert;
mod explain;
mod harness;
mod image;
mod mesh;
mod mesh_page;
mod replay;
mod run;
mod schema;
mod shells;
mod test;
mod test_envoy;
mod test_init;
mod verbs;
