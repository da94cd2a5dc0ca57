//! What the shell promises a filter, kept where it counts: most of it in a real Envoy with two
//! workers, with the probe (`integration/modules/probe`) as the filter; what only a clock under
//! control can show, in the wasm host.
//!
//! The probe does one thing a path, so that each test reads as a request and what came of it.

mod background;
mod calls;
mod cells;
mod clocks;
mod configs;
mod deaths;
mod delays;
mod edits;
mod ends;
mod grpc;
mod holds;
mod hostile;
mod in_wasm;
mod leavers;
mod needs;
mod replies;
mod rig;
mod updates;
mod waits;
mod workers;
