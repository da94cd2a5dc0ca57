//! The harness itself, before anything else stands on it.
//!
//! Tests named `smoke_process_*` run Envoy as a process whatever this machine offers.

mod envoy;
mod leftovers;
mod services;
mod tls;
mod traffic;

use std::time::Duration;

use integration::envoy::Config;
use integration::upstream::Upstream;

/// How long what is about to happen may take.
const SOON: Duration = Duration::from_secs(10);

/// A listener `forward`, whose paths under `/h1` go upstream in HTTP/1.1 and all others in HTTP/2,
/// and a listener `direct`, which answers by itself.
fn config() -> Config {
    Config::from_yaml(include_str!("harness/envoy.yaml"))
        .unwrap()
        .any_ports()
}

fn forwarding(upstream: &Upstream) -> Config {
    let addr = upstream.addr();
    let config = config().endpoint("http1", addr).unwrap();
    config.endpoint("http2", addr).unwrap()
}
