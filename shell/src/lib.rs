//! The one shell around every filter: the only code that calls Envoy, compiled for wasm32 alone.
//!
//! A filter sees values and returns values; what stands between it and proxy-wasm is here, so that
//! tests, tools and Envoy all run the same core. A module is a filter and a line of [`register!`].

#[cfg(target_arch = "wasm32")]
mod contexts;

#[cfg(target_arch = "wasm32")]
pub use contexts::{proxy_wasm, section, start};

/// Makes a [`Filter`](sdk_helpers::Filter) the filter of this module, and names the proxy-wasm
/// callbacks it needs.
///
/// Every callback a module exports is a call Envoy makes for every stream, so `cargo xtask build`
/// strips those that are not named here. Names are those of the proxy-wasm ABI without `proxy_`:
///
/// ```text
/// shell::register!(FaultInjection: on_request_headers, on_tick, on_queue_ready);
/// ```
#[macro_export]
macro_rules! register {
    ($filter:ty: $($callback:ident),+ $(,)?) => {
        #[cfg(target_arch = "wasm32")]
        mod module {
            use super::*;

            const CALLBACKS: &str = concat!($(stringify!($callback), "\n"),+);

            #[used]
            #[unsafe(link_section = "mesh_filters.callbacks")]
            static SECTION: [u8; CALLBACKS.len()] = $crate::section(CALLBACKS);

            $crate::proxy_wasm::main! {{ $crate::start::<$filter>() }}
        }
    };
}
