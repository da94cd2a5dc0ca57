//! The proxy-wasm contexts of any chain of filters.
//!
//! They turn callbacks into [`Request`](sdk_helpers::Request)s and values the filter returns into host
//! calls, and obey what Envoy demands on the way: byte getters only, every status handled, no
//! reply from a stream's end, at most 64 resumes a callback.

mod calls;
mod host;
mod log_name;
mod logger;
mod metrics;
mod plumbing;
mod raw;
mod reason;
mod root;
mod shared;
mod stage;
mod stream;
mod table;
mod timers;
mod types;
mod world;

pub use table::Contexts;
pub use types::Action;
