//! The one shell around every chain of filters: the only code that calls Envoy, compiled for wasm32 alone.
//!
//! A filter sees values and returns values; what stands between it and proxy-wasm is here, so that
//! tests, tools and Envoy all run the same core. A module is a filter, or a chain of them, and a line of [`register!`].
//!
//! It speaks the ABI itself. With the dispatcher of the SDK, the crate `proxy-wasm`, a filter that does
//! nothing ran 2,642 instructions a request in place of 888, and what Envoy may say and an SDK does not
//! expect was a panic: see `docs/decisions/abi.md`.

#[cfg(any(target_arch = "wasm32", test))]
mod by_number;
mod callbacks;
#[cfg(target_arch = "wasm32")]
mod contexts;
#[cfg(any(target_arch = "wasm32", test))]
mod dice;
mod exports;
#[cfg(any(test, target_arch = "wasm32"))]
mod memory;

pub use callbacks::{callbacks, length};
#[cfg(target_arch = "wasm32")]
pub use contexts::{Action, Contexts};

/// Makes a [`Filter`](sdk_helpers::Filter) the filter of this module:
///
/// ```text
/// shell::register!(fault_injection::FaultInjection);
/// ```
///
/// or a [`Chain`](sdk_helpers::chain::Chain) of several:
///
/// ```text
/// shell::register!(chain mesh_filters_chain::MeshFilters);
/// ```
///
/// Every callback a module exports is a call Envoy makes for every stream. So `cargo xtask build`
/// strips those that the filter's [`NEEDS`](sdk_helpers::Filter::NEEDS) do not come to: they stand in
/// the custom section `mesh_filters.callbacks`.
#[macro_export]
macro_rules! register {
    ($filter:ty) => {
        $crate::register! { chain $crate::One<$filter> }
    };
    (chain $chain:ty) => {
        #[cfg(target_arch = "wasm32")]
        mod module {
            use super::*;

            const NEEDS: $crate::Needs = <$chain as $crate::Chain>::NEEDS;

            #[used]
            #[unsafe(link_section = "mesh_filters.callbacks")]
            static SECTION: [u8; $crate::length(NEEDS)] = $crate::callbacks(NEEDS);

            $crate::exports! { $chain }
        }
    };
}

#[doc(hidden)]
pub use sdk_helpers::{
    Needs,
    chain::{Chain, One},
};
