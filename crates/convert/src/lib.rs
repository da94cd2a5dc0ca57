//! Policies as a configuration of the filters, and as the object or file that loads it: Istio's resources and
//! our own configurations in, an EnvoyFilter, a WasmPlugin, a TrafficExtension or a bootstrap of Envoy's out.
//!
//! ```text
//! documents ─read→ Converted { configurations, workload, losses, notes } ─write→ text
//! ```
//!
//! Which policies are for a workload, what a field means and whether it says anything to a filter is asked of the
//! code that knows (`policies`, the filters): this crate moves objects into configurations, and tells
//! what stays behind, with its place and what comes of it.
//!
//! ```
//! use convert::{Form, Modules, Placement, read, write};
//! use documents::Document;
//!
//! let documents = Document::read_text("viewer.yaml", "
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: viewer, namespace: shop}
//! spec: {selector: {matchLabels: {app: web}}, rules: [{to: [{operation: {methods: [GET]}}]}]}
//! ")?;
//! let converted = read(&documents, &policies::Settings::default(), Modules::Whole)
//!     .map_err(|problems| format!("{problems:?}"))?;
//! assert_eq!(converted.losses, []);
//! let text = write(&converted, Form::EnvoyFilter, &Placement::default())?;
//! // The policy's workload is that of the patch.
//! assert!(text.contains("app: web") && text.contains("context: SIDECAR_INBOUND"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod loss;
mod read;
mod workload;
mod write;

pub use loss::Loss;
pub use read::{Configuration, Converted, Modules, read};
pub use write::{Context, Form, Location, Placement, write};
