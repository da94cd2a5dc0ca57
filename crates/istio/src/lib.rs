//! Istio's resources, read with the place of every field; and WasmPlugins, TrafficExtensions and
//! EnvoyFilters applied the way istiod applies them, so that what is meant for a mesh can be run
//! without one.
//!
//! ```text
//! Object::read_all(yaml) ── kind, name, value, position(path)
//!
//! base::sidecar_inbound(8080, endpoint) ─┐
//! TrafficExtension::parse_all(yaml) ─────┤
//! EnvoyFilter::parse_all(yaml) ──────────┼─ render → Rendered { bootstrap, applied, notes, … }
//! Proxy::new(SidecarInbound, "default") ─┤
//! Delivery::Inline(agent) ───────────────┘
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
//! # Load a WasmPlugin
//!
//! A WasmPlugin is what newer versions of Istio make a TrafficExtension of, so one type has both. Its
//! filter comes to stand among Istio's own by `phase`, then by `priority`, the higher first:
//!
//! ```text
//! AUTHN · jwt_authn · AUTHZ · rbac · STATS · no phase · grpc_web · … · router
//! ```
//!
//! In a mesh the filter asks for its configuration, and on the way to Envoy an agent fetches the module.
//! Whoever renders is that agent: it says in which file a module is, or why it cannot be had.
//!
//! ```
//! use istio::{Context, Delivery, Proxy, Resources, TrafficExtension, base, render};
//! use std::collections::BTreeMap;
//!
//! # fn main() -> Result<(), istio::Error> {
//! let plugins = TrafficExtension::parse_all(
//!     "
//! apiVersion: extensions.istio.io/v1alpha1
//! kind: WasmPlugin
//! metadata: {name: limits, namespace: apps}
//! spec:
//!   url: oci://registry.example/rate-limit:0.1.0
//!   phase: AUTHZ
//!   failStrategy: FAIL_OPEN
//!   pluginConfig: {limits: [{name: all, requests: 100, per: 1s}]}
//! ",
//! )?;
//! let modules = BTreeMap::from([(
//!     "oci://registry.example/rate-limit:0.1.0".to_owned(),
//!     "dist/rate-limit.wasm".into(),
//! )]);
//! let sidecar = base::sidecar_inbound(9080, ([127, 0, 0, 1], 9080).into());
//! let reviews = Proxy::new(Context::SidecarInbound, "apps");
//! let resources = Resources { traffic_extensions: &plugins, ..Resources::default() };
//!
//! let rendered = render(sidecar.clone(), resources, &reviews, Delivery::Inline(&modules))?;
//! assert_eq!(rendered.applied, ["apps/limits"]);
//! assert!(rendered.bootstrap.to_string().contains("dist/rate-limit.wasm"));
//!
//! // A module that cannot be fetched: the fail strategy decides, as in a mesh.
//! let offline = |_: &istio::Download<'_>| Err("no network".to_owned());
//! let rendered = render(sidecar, resources, &reviews, Delivery::Inline(&offline))?;
//! assert!(rendered.notes[0].ends_with("no network; applying allow RBAC filter"));
//! # Ok(())
//! # }
//! ```
//!
//! What is wrong with a resource is told in the words of istiod's validation, all of it at once; see
//! [`Error::Invalid`]. Plugins of `type: NETWORK` are read and not rendered.
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

mod attach;
pub mod base;
mod check;
mod cipher_suites;
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
mod mesh_config;
mod object;
mod parts;
mod patches;
mod proxy;
mod render;
mod resource;
mod routes;
pub mod said;
pub mod spot;
mod traffic_extension;
pub mod validation;
mod wire;

pub use attach::WaypointService;
pub use cipher_suites::CIPHER_SUITES;
pub use clause::{
    ClusterMatch, FilterChainMatch, FilterMatch, ListenerMatch, RouteAction,
    RouteConfigurationMatch, RouteMatch, SubFilterMatch, VirtualHostMatch,
};
pub use error::{Error, Finding};
pub use mesh_config::mesh_config;
pub use object::{Object, Position};
pub use parts::{Parts, Patched, patch};
pub use patches::Note;
pub use proxy::{Context, Proxy};
pub use render::{Delivery, Rendered, Resources, apply, render};
pub use resource::{
    ApplyTo, EnvoyFilter, ObjectMatch, Operation, Patch, PatchContext, ProxyMatch, TargetRef,
    VersionMatch,
};
pub use traffic_extension::{
    Agent, Code, Download, EnvVar, ExtensionKind, FailStrategy, Mode, Phase, PluginType,
    TrafficExtension, TrafficSelector, WasmConfig,
};
