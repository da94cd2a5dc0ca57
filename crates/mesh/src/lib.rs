//! Istio's and Kubernetes' objects as the listeners, routes and clusters that istiod would write, by istiod's names, for
//! Envoys that stand on one machine.
//!
//! ```text
//! documents ─Model::read→ Model, Said
//!                         Model ─Addresses::assign→ Addresses
//!                         Mesh { model, addresses, … } ─sidecar→ Proxy ─files→ envoy.json, listeners.json, …
//!                                                      ─gateway→ Proxy
//! ```
//!
//! Nothing here runs anything: values in, values out. Policies are no business of it either: whoever runs a mesh puts
//! them into the proxies that come out.
//!
//! ```
//! use documents::Document;
//! use mesh::model::Model;
//! use mesh::{Addresses, Certificates, Mesh};
//!
//! let documents = Document::read_text("shop.yaml", "
//! apiVersion: v1
//! kind: Service
//! metadata: {name: reviews}
//! spec: {selector: {app: reviews}, ports: [{name: http, port: 9080}]}
//! ---
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: reviews-v1}
//! spec:
//!   template:
//!     metadata: {labels: {app: reviews}}
//!     spec: {containers: [{name: reviews, image: reviews}]}
//! ")?;
//! let (model, said) = Model::read(&documents);
//! assert!(said.is_empty());
//!
//! let addresses = Addresses::assign(&model, 10);
//! let mesh = Mesh {
//!     model: &model,
//!     addresses: &addresses,
//!     trust_domain: model.trust_domain(),
//!     outside: model.outside(),
//! };
//! let certificates = Certificates {
//!     chain: "/run/mesh/chain.pem".into(),
//!     key: "/run/mesh/key.pem".into(),
//!     roots: "/run/mesh/roots.pem".into(),
//! };
//! let reviews = &model.workloads[0];
//! let address = addresses.of(reviews).next().ok_or("an address")?;
//! let folder = "/run/mesh/reviews-v1".as_ref();
//! let sidecar = mesh.sidecar(reviews, address, &certificates, folder);
//! assert_eq!(sidecar.id, "sidecar~127.10.1.0~reviews-v1.default~default.svc.cluster.local");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What differs from a mesh in a cluster
//!
//! - Nothing redirects what a workload sends. It sends its requests to [`OUTBOUND_PORT`] of its own address, and their
//!   authority says for whom they are, as with Istio's listener for `http_proxy`.
//! - A sidecar listens on each port of its workload, at the workload's address, and the process itself is at the same
//!   place of another network: see [`Addresses`]. Ports below 1,024 are higher by 8,000.
//! - Istio's own extensions of Envoy (`istio.alpn`, `istio.metadata_exchange`, `istio.stats`) are not in a stock Envoy.
//!   Its metrics are our filter's, where a Telemetry says something of them: see [`Mesh::metrics`].
//! - What Istio logs to a proxy's standard output is a file beside the proxy's others: see [`proxy::files`].
//! - Only HTTP is routed. Routes and servers for connections are left out, and that is said.

mod addresses;
mod certificates;
mod clusters;
mod field;
pub mod listeners;
pub mod model;
pub mod proxy;
pub mod routes;
mod said;
mod scope;
mod secrets;
mod telemetry;

pub use addresses::{Addresses, OUTBOUND_PORT, real_port};
pub use certificates::Certificates;
pub use clusters::{Rule, cluster_name};
pub use proxy::{GatewayProxy, Mesh, Proxy};
pub use routes::Outside;
pub use said::Said;
pub use secrets::SecretFile;

use serde_json::{Value, json};

/// The cache of names that everything shares which is called by its name; Envoy asks that all of them say the same.
fn dns_cache() -> Value {
    json!({"name": "mesh", "dns_lookup_family": "V4_PREFERRED"})
}
