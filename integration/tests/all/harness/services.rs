//! The real servers beside Envoy.

use std::time::Duration;

use integration::client::{Client, raw};
use integration::envoy::Envoy;
use integration::service::Service;
use integration::service::wait::until;
use serde_json::json;

use super::{SOON, config};

#[test]
fn redis_answers() {
    let redis = Service::redis();

    let answer = raw(redis.addr(), b"PING\r\nQUIT\r\n", SOON);

    assert_eq!(String::from_utf8_lossy(&answer), "+PONG\r\n+OK\r\n");
}

#[test]
fn prometheus_scrapes_envoy() {
    let envoy = Envoy::builder(config()).start();
    let scrape = json!({ "scrape_configs": [{
        "job_name": "envoy",
        "scrape_interval": "1s",
        "metrics_path": "/stats/prometheus",
        "static_configs": [{ "targets": [envoy.admin().addr().to_string()] }],
    }]});
    let prometheus = Service::prometheus(&scrape.to_string());

    let client = Client::http1(prometheus.addr());
    let query = || {
        client
            .get("/api/v1/query?query=envoy_server_live")
            .send()
            .json()
            .unwrap()
    };
    // Prometheus takes five seconds to look at its targets for the first time.
    let live = until(Duration::from_secs(30), || {
        query().pointer("/data/result/0/value/1").cloned()
    });
    assert_eq!(live, Some(json!("1")));
}

#[test]
fn the_registry_answers() {
    let registry = Service::registry();

    let response = Client::http1(registry.addr()).get("/v2/_catalog").send();

    assert_eq!(response.json().unwrap(), json!({ "repositories": [] }));
}
