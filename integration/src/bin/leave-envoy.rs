//! Starts an Envoy, says where, and crashes: what the tests about leftovers need left over.

use integration::envoy::{Config, Envoy};

fn main() {
    let envoy = Envoy::builder(Config::from_value(serde_json::json!({}))).start();
    println!(
        "left over: {} {}",
        envoy.pid(),
        envoy.scratch().path().display()
    );
    std::process::abort();
}
