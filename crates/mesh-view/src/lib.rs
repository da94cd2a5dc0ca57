//! What a running mesh shows: who answered, who calls whom, and what its proxies wrote; as values, text and SVG.
//!
//! ```text
//! mesh.json ────────────────────→ Running
//! answers of workloads ─Tally::add→ Tally ─text→ who answered, and whom they called, how often
//! pages of Envoys ─Snapshot::add→ Snapshot ─Graph::of→ Graph ─text, svg→ who calls whom
//! lines of logs ─Line::read→ Line
//! ```
//!
//! Nothing here asks anybody: values in, values out.

pub mod graph;
pub mod logs;
mod plain;
mod running;
mod tally;

pub use plain::plain;
pub use running::{
    Gateway, GatewayPort, Proxy, Replica, ReplicaPort, Running, Service, ServicePort, Workload,
};
pub use tally::{Tally, Took};
