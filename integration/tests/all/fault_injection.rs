//! Fault injection in a real Envoy, where the cases cannot reach: beside Envoy's own filter, under
//! load, under attack, and over the life of a listener.

mod active;
mod delays;
mod differential;
mod facts;
mod hostile;
mod odds;
mod updates;

use std::time::Duration;

use integration::envoy::Envoy;
use integration::listener::Listener;
use serde_json::{Value, json};

/// The filter.
const FILTER: &str = "fault-injection";

/// Long enough for anything that is going to happen.
const SOON: Duration = Duration::from_secs(10);

/// A listener with our filter and this configuration.
fn ours(config: &Value) -> Listener {
    Listener::new("ours").module(FILTER, config)
}

/// A listener with Envoy's own filter and this configuration.
fn native(config: &Value) -> Listener {
    Listener::new("native").filter(
        "envoy.filters.http.fault",
        "fault.v3.HTTPFault",
        config.clone(),
    )
}

/// An abort of every request.
fn abort_all(status: u16) -> Value {
    json!({"http": [{"name": "all", "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": status}}}]})
}

/// Asserts that the module is still alive and does its work on every worker.
fn assert_serves(envoy: &Envoy, status: u16) {
    let client = integration::client::Client::http1(envoy.addr("ours"));
    for _ in 0..8 {
        assert_eq!(client.get("/").send().status, status);
    }
    let log = envoy.log();
    assert!(!log.contains("Function: proxy_"), "a VM failed");
    assert!(!log.contains("panicked at"), "the module panicked");
}
