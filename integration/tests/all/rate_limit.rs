//! Rate limits in a real Envoy, where the cases cannot reach: counted exactly under load, beside
//! Envoy's own filter, under attack, over the life of a listener, and with a service that counts.

mod bytes;
mod counts;
mod differences;
mod facts;
mod fleet;
mod hostile;
pub(crate) mod limiter;
mod matches;
pub(crate) mod native;
mod raw_bytes;
mod service;
mod updates;

use std::time::Duration;

use integration::listener::Listener;
use serde_json::Value;

/// The filter.
const FILTER: &str = "rate-limit";

/// Long enough for anything that is going to happen.
const SOON: Duration = Duration::from_secs(10);

/// A listener with our filter and this configuration.
fn ours(config: &Value) -> Listener {
    Listener::new("ours").module(FILTER, config)
}
