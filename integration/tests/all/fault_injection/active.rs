//! `maxActiveFaults` counts over all workers of the proxy.

use std::time::Duration;

use integration::client::{Client, Request};
use integration::envoy::Envoy;
use integration::listener::bootstrap;
use serde_json::json;

use crate::fault_injection::{SOON, ours};

#[test]
fn the_number_at_a_time_holds_over_both_workers() {
    let config = json!({"maxActiveFaults": 10, "http": [
        {"name": "slow", "fault": {"delay": {"percentage": {"value": 100}, "fixedDelay": "2s"}}},
    ]});
    let envoy = Envoy::builder(bootstrap([ours(&config)], []))
        .workers(2)
        .start();
    let client = Client::http1(envoy.addr("ours"));
    // One after another, so that no two workers look at the count in the same moment: like Envoy's
    // own, the limit is a look and then a step.
    let addr = envoy.addr("ours");
    std::thread::scope(|scope| {
        for held in 1..=10 {
            scope.spawn(move || Client::http1(addr).get("/held").send());
            envoy.admin().wait_stat(
                "wasmcustom.mesh_filters.fault-injection.active",
                |active| active == held,
                SOON,
            );
        }
        let passed = client.burst(50, 4, |_| Request::get("/passed"));
        assert!(
            passed
                .iter()
                .all(|answer| answer.elapsed < Duration::from_secs(2))
        );
        envoy.admin().wait_stat(
            "wasmcustom.mesh_filters.fault-injection.overflow[policy=slow]",
            |overflows| overflows == 50,
            SOON,
        );
    });
    envoy.wait_log("\"reason\":\"overflow:slow\"", SOON);
}
