//! What every filter shares: the values a filter reads and returns, the matchers, how a
//! configuration is read, and the one shell that knows proxy-wasm.
//!
//! ```text
//! once, at load    bytes ─parse→ Wire ─check→ Config ─compile→ Policy       any error: the configuration is refused whole
//! per stream       headers ─snapshot→ Request ─decide→ Verdict ─into→ Decision ─apply→ host calls
//!                  └───── shell ────┘└────────── filters/* (pure, native) ──────────┘└── shell (wasm32) ──┘
//! ```
//!
//! Data moves left to right. A filter sees values and returns values; only `shell` (compiled for
//! wasm32 alone) calls the host, so tests, tools and Envoy all run the same core.

pub mod claims;
pub mod config;
pub mod decision;
pub mod filter;
pub mod headers;
pub mod matcher;
pub mod outcome;
pub mod protobuf;
pub mod request;
#[cfg(target_arch = "wasm32")]
pub mod shell;
pub mod text;
pub mod world;

pub use config::{At, ConfigError, Problems};
pub use decision::{Answer, Body, Call, Decision, Edits, HeaderEdit, LocalReply, Record, Resume};
pub use filter::{Chores, Event, Exchange, Filter, Loaded, Series, load};
pub use headers::Headers;
pub use outcome::{Outcome, OutcomeId, Outcomes};
pub use protobuf::read_metadata;
pub use request::{Request, Response};
pub use world::{Contended, Facts, Roll, Timestamp, World};

/// Makes a [`Filter`] the filter of this module, and names the proxy-wasm callbacks it needs.
///
/// Every callback a module exports is a call Envoy makes for every stream, so `cargo xtask build`
/// strips those that are not named here. Names are those of the proxy-wasm ABI without `proxy_`:
///
/// ```text
/// sdk_helpers::register!(FaultInjection: on_request_headers, on_tick, on_queue_ready);
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
            static SECTION: [u8; CALLBACKS.len()] = $crate::shell::section(CALLBACKS);

            $crate::shell::proxy_wasm::main! {{ $crate::shell::start::<$filter>() }}
        }
    };
}
