//! All filters in one module, in a real Envoy: beside the modules that hold one filter each and beside
//! Envoy's own chain, under attack, over the life of a listener, and when its VM dies.

mod busy;
mod chains;
mod configurations;
mod deaths;
mod differential;
mod everything;
mod filter_state;
mod hostile;
mod limiter;
mod observed;
mod pick;
mod rig;
mod sent;
mod service;
mod tokens;
mod updates;

use std::time::Duration;

/// Long enough for anything that is going to happen.
const SOON: Duration = Duration::from_secs(20);
