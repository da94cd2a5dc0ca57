//! EnvoyFilters applied the way istiod applies them, so that the resources we ship are run and not
//! only printed.
//!
//! ```text
//! base::sidecar_inbound(8080, endpoint) ─┐
//! EnvoyFilter::parse_all(yaml) ──────────┼─ apply → Rendered { bootstrap, applied, notes }
//! Proxy::new(SidecarInbound, "default") ─┘
//! ```
//!
//! istiod ignores a patch that matches nothing without a word. Here such a patch leaves a note, and
//! a test on a shipped file asserts that there are none. Values are JSON in protobuf's mapping, so
//! whatever protobuf would decide by type is decided by field name: see `fields`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "moved as it was in `integration`"
)]

pub mod base;
mod check;
mod clause;
mod clusters;
mod extensions;
mod fields;
mod filters;
mod json;
mod listeners;
mod matching;
mod merge;
mod patches;
mod proxy;
mod render;
mod resource;
mod routes;
mod wire;

pub use clause::{
    ClusterMatch, FilterChainMatch, FilterMatch, ListenerMatch, RouteAction,
    RouteConfigurationMatch, RouteMatch, SubFilterMatch, VirtualHostMatch,
};
pub use proxy::{Context, Proxy};
pub use render::{Rendered, apply};
pub use resource::{
    ApplyTo, EnvoyFilter, ObjectMatch, Operation, Patch, PatchContext, ProxyMatch, TargetRef,
    VersionMatch,
};
