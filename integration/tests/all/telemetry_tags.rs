//! Telemetry in a real Envoy, read by those it is for: Prometheus, a collector of spans, the access
//! log; under attack, with a million values, and over the life of a listener.

mod cardinality;
mod dashboards;
mod death;
mod differential;
mod earlier;
mod endings;
mod grpc;
mod hostile;
mod peers;
pub(crate) mod prometheus;
mod rig;
mod shipped;
mod sources;
mod spans;
mod tutorials;
mod updates;

use std::time::Duration;

/// The filter.
const FILTER: &str = "telemetry-tags";

/// Long enough for anything that is going to happen.
const SOON: Duration = Duration::from_secs(15);
