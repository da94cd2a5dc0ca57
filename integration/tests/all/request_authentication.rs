//! Request authentication in a real Envoy, where the cases cannot reach: beside Envoy's own filter,
//! with an issuer that fails, under attack, and over the life of a listener.

mod certificates;
mod claims;
mod corners;
mod differences;
mod differential;
pub(crate) mod generated;
mod hostile;
mod keys;
mod load;
mod padding;
mod pairs;
mod proxy;
mod rotation;
pub(crate) mod rules;
mod shipped;
mod updates;
mod vectors;
mod visible;
mod withdrawal;

use std::time::Duration;

use integration::client::Client;
use integration::envoy::Envoy;
use integration::jwt_authn;
use integration::listener::Listener;
use serde_json::{Value, json};

/// The filter.
const FILTER: &str = "request-authentication";

/// Long enough for anything that is going to happen.
const SOON: Duration = Duration::from_secs(10);

/// A listener with our filter and these rules.
fn ours(rules: &Value) -> Listener {
    configured(&json!({"jwtRules": rules}))
}

/// A listener with our filter and this configuration.
fn configured(config: &Value) -> Listener {
    Listener::new("ours").module(FILTER, config)
}

/// A listener with what istiod makes of these rules.
fn native(rules: &Value) -> Listener {
    jwt_authn::filter(Listener::new("native"), rules)
}

/// Asserts that the module is still alive and does its work on every worker.
fn assert_serves(envoy: &Envoy, token: &str) {
    let client = Client::http1(envoy.addr("ours"));
    for _ in 0..4 {
        let call = || client.get("/serves").header("x-serves", "1");
        assert_eq!(call().send().status, 200);
        let good = format!("Bearer {token}");
        assert_eq!(call().header("authorization", good).send().status, 200);
        let bad = format!("Bearer {token}x.y");
        assert_eq!(call().header("authorization", bad).send().status, 401);
    }
    let log = envoy.log();
    assert!(!log.contains("Function: proxy_"), "a VM failed");
    assert!(!log.contains("panicked at"), "the module panicked");
}
