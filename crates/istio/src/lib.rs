//! Istio's resources, read with the place of every field; and EnvoyFilters applied the way istiod
//! applies them, so that what is meant for a mesh can be run without one.
//!
//! ```text
//! Object::read_all(yaml) ── kind, name, value, position(path)
//!
//! base::sidecar_inbound(8080, endpoint) ─┐
//! EnvoyFilter::parse_all(yaml) ──────────┼─ apply → Rendered { bootstrap, applied, notes }
//! Proxy::new(SidecarInbound, "default") ─┘
//! ```
//!
//! Nothing here reads from a cluster or starts Envoy: text in, values out, and errors that name the
//! resource and the field.
//!
//! # Apply an EnvoyFilter
//!
//! ```
//! use istio::{Context, EnvoyFilter, Proxy, apply, base};
//!
//! # fn main() -> Result<(), istio::Error> {
//! let filters = EnvoyFilter::parse_all(
//!     "
//! apiVersion: networking.istio.io/v1alpha3
//! kind: EnvoyFilter
//! metadata: {name: buffer, namespace: apps}
//! spec:
//!   workloadSelector: {labels: {app: reviews}}
//!   configPatches:
//!   - applyTo: HTTP_FILTER
//!     match:
//!       context: SIDECAR_INBOUND
//!       listener:
//!         filterChain:
//!           filter:
//!             name: envoy.filters.network.http_connection_manager
//!             subFilter: {name: envoy.filters.http.router}
//!     patch:
//!       operation: INSERT_BEFORE
//!       value:
//!         name: envoy.filters.http.buffer
//!         typedConfig:
//!           '@type': type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer
//!           maxRequestBytes: 1024
//! ",
//! )?;
//! let reviews = Proxy::new(Context::SidecarInbound, "apps").label("app", "reviews");
//! let sidecar = base::sidecar_inbound(9080, ([127, 0, 0, 1], 9080).into());
//!
//! let rendered = apply(sidecar, &filters, &reviews)?;
//! assert_eq!(rendered.applied, ["apps/buffer spec.configPatches[0]"]);
//! assert!(rendered.notes.is_empty());
//! assert!(rendered.bootstrap.to_string().contains("max_request_bytes"));
//! # Ok(())
//! # }
//! ```
//!
//! istiod ignores a patch that matches nothing without a word. Here such a patch leaves a note, and
//! whoever wants every patch to do something asks that there are none. Values are JSON in protobuf's
//! mapping, so whatever protobuf would decide by type is decided by field name: see `fields`.
//!
//! # Say where in a file a problem is
//!
//! ```
//! use istio::Object;
//!
//! # fn main() -> Result<(), istio::Error> {
//! let objects = Object::read_all(
//!     "
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: viewer}
//! spec:
//!   action: ALLOWED
//! ",
//! )?;
//! for object in &objects {
//!     assert_eq!((object.kind(), object.name()), ("AuthorizationPolicy", "viewer"));
//!     // What reads the value names the field; the object knows its line.
//!     assert_eq!(object.value()["spec"]["action"], "ALLOWED");
//!     assert_eq!(object.position("spec.action").to_string(), "6:11");
//! }
//! # Ok(())
//! # }
//! ```

pub mod base;
mod check;
mod clause;
mod clusters;
mod error;
mod extensions;
mod fields;
mod filters;
mod json;
mod listeners;
mod matching;
mod merge;
mod object;
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
pub use error::Error;
pub use object::{Object, Position};
pub use proxy::{Context, Proxy};
pub use render::{Rendered, apply};
pub use resource::{
    ApplyTo, EnvoyFilter, ObjectMatch, Operation, Patch, PatchContext, ProxyMatch, TargetRef,
    VersionMatch,
};
