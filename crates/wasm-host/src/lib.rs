//! A proxy-wasm host for tests: the very `.wasm` that ships, run in the test's own process, with
//! every status, phase and order that Envoy 1.40 shows to a module.
//!
//! It is a world, not a script. A test sets the world (clock, properties, clusters, shared data),
//! acts (a request arrives, time passes), and looks at what became of it; it never lists the calls
//! it expects, so a module may be rewritten without touching its tests. What Envoy punishes, this
//! host punishes loudly: see [`Host::dead`], [`Host::crashed`] and [`Host::violations`].
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test support: a panic is how a test fails"
)]

mod abi;
mod answers;
mod call;
mod clock;
mod exchange;
mod flow;
mod grants;
mod headers;
mod host;
mod log;
mod metrics;
mod module;
mod number;
mod properties;
mod queues;
mod reply;
mod roots;
mod shared;
mod shared_data;
mod single_line;
mod state;
mod status;
mod stream;
mod upstreams;
mod vm;
mod wasi;
mod world;

pub use clock::Ticks;
pub use grants::ENVOY_IMPORTS;
pub use headers::Headers;
pub use host::Host;
pub use log::Level;
pub use module::Module;
pub use reply::LocalReply;
pub use status::Status;
pub use stream::{State, Stream};
pub use upstreams::{PendingCall, Protocol};
pub use world::World;
