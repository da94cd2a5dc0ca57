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

/// Copies a text into the bytes of a custom section.
#[must_use]
pub const fn section<const LENGTH: usize>(text: &str) -> [u8; LENGTH] {
    let mut section = [0; LENGTH];
    let (mut rest, mut index) = (text.as_bytes(), 0);
    while let [first, tail @ ..] = rest
        && index < LENGTH
    {
        #[allow(
            clippy::indexing_slicing,
            reason = "in a constant, with the bound just checked"
        )]
        {
            section[index] = *first;
        }
        rest = tail;
        index += 1;
    }
    section
}
