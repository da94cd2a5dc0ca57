//! The proxy-wasm contexts of any filter.
//!
//! They turn callbacks into [`Request`](sdk_helpers::Request)s and values the filter returns into host
//! calls, and obey what Envoy demands on the way: byte getters only, every status handled, no
//! reply from a stream's end, at most 64 resumes a callback.

mod calls;
mod host;
mod log_name;
mod metrics;
mod raw;
mod root;
mod shared;
mod stream;
mod timers;
mod world;

pub use proxy_wasm;

use sdk_helpers::Filter;

/// Installs `F` as this module's filter. Called by [`register!`](crate::register) when Envoy
/// initializes the module.
pub fn start<F: Filter>() {
    proxy_wasm::set_root_context(|id| Box::new(root::Root::<F>::new(id)));
}
