//! Authorization in a real Envoy, where the cases cannot reach: beside Envoy's own RBAC over real
//! mutual TLS, under attack, and over the life of a listener.

mod addresses;
mod converted;
mod custom;
mod differences;
mod differential;
mod explained;
pub(crate) mod generate;
mod hostile;
pub(crate) mod peers;
mod ports;
mod raw_bytes;
mod records;
mod repeated;
mod replayed;
pub(crate) mod rig;
mod size;
mod tokens;
mod updates;
mod waypoint;

/// The filter.
const FILTER: &str = "authorization-policy";
