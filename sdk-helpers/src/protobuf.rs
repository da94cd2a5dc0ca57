//! Protobuf, as much of it as a filter meets: a `google.protobuf.Struct` as JSON, and the fields of
//! the few messages that filters send and receive.
//!
//! Written out here because generated code for the same costs every module 15 kB and more, which
//! each worker's VM compiles and keeps. Tests compare it with `prost`.

mod structure;
mod wire;

pub(crate) use structure::number_value;
pub use structure::{read_metadata, read_struct};
pub use wire::{Field, Fields, Message};
