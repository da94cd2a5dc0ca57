//! All filters in one chain, in a real Envoy, beside Envoy's own chain: what one changes, later ones see.

mod chains;
mod configurations;
mod differential;
mod limiter;
mod observed;
mod pick;
mod rig;
mod sent;
mod service;
mod tokens;

use std::time::Duration;

/// Long enough for anything that is going to happen.
const SOON: Duration = Duration::from_secs(20);
