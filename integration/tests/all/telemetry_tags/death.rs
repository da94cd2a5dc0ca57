//! What traffic sees when the module dies: `FAIL_OPEN`, as the shipped files have it, passes it on.
//!
//! No input is known that makes the module trap, so a copy of it is made to.

use integration::client::Client;
use integration::envoy::{Envoy, Scratch, repository};
use integration::listener::Listener;
use integration::service::wait::until;
use serde_json::json;

use crate::telemetry_tags::rig::{labelled, series, tag_format};
use crate::telemetry_tags::{FILTER, SOON};
use crate::trapping::trapping;

/// One worker, so that the one VM that dies is the one that all requests meet.
fn dying(callback: &str, policy: &str) -> Envoy {
    let scratch = Scratch::new().unwrap();
    let path = trapping(FILTER, callback, &scratch);
    let config = json!({
        "tags": [{"name": "tenant", "header": {"name": "x-tenant"}}],
        "metrics": [{}],
    });
    let listener = Listener::new("ours")
        .module_at(FILTER, path.to_str().unwrap(), &config, policy)
        .log("tenant", &tag_format("tenant"));
    Envoy::builder(labelled([listener], []))
        .args(["--file-flush-interval-msec", "20"])
        .scratch(scratch)
        .workers(1)
        .start()
}

fn statuses(envoy: &Envoy, count: usize) -> Vec<u16> {
    let client = Client::http1(envoy.addr("ours"));
    let call = || client.get("/").header("x-tenant", "acme").send().status;
    (0..count).map(|_| call()).collect()
}

#[test]
fn a_module_that_dies_of_a_request_takes_that_one_along_and_no_other() {
    let envoy = dying("proxy_on_request_headers", "FAIL_OPEN");
    assert_eq!(statuses(&envoy, 4), [503, 200, 200, 200]);
    envoy.wait_log("Function: proxy_on_request_headers failed", SOON);
    // What passes is not counted, and not tagged.
    let counted = series(&envoy.admin().prometheus(), "istio_requests_total");
    assert_eq!(counted, []);
    envoy.wait_log("\"tenant\":null", SOON);
}

#[test]
fn a_module_that_dies_at_the_end_of_a_stream_takes_none_along() {
    let envoy = dying("proxy_on_log", "FAIL_OPEN");
    assert_eq!(statuses(&envoy, 4), [200; 4]);
    envoy.wait_log("Function: proxy_on_log failed", SOON);
}

/// Why the shipped files do not close.
#[test]
fn failing_closed_would_take_all_traffic_along() {
    let envoy = dying("proxy_on_log", "FAIL_CLOSED");
    assert_eq!(statuses(&envoy, 4), [200, 503, 503, 503]);
}

/// What the alert on VM failures reads is what Envoy shows.
#[test]
fn a_reload_shows_under_the_name_that_the_alert_reads() {
    let envoy = dying("proxy_on_log", "FAIL_RELOAD");
    statuses(&envoy, 2);
    let name = "envoy_wasm_telemetry_tags_vm_reload_success";
    let shown = until(SOON, || {
        // Each request ends the VM anew, and a later one finds another in its place.
        statuses(&envoy, 1);
        let page = envoy.admin().prometheus();
        page.lines()
            .find(|line| line.starts_with(name) && !line.ends_with(" 0"))
            .map(str::to_owned)
    });
    assert!(shown.is_some(), "{}", envoy.admin().prometheus());
    let alerts = repository().join("dashboards/alerts.yaml");
    assert!(std::fs::read_to_string(alerts).unwrap().contains(name));
}

#[test]
fn the_shipped_files_fail_open() {
    for file in ["local", "istio"] {
        let path = repository().join(format!("envoy-configs/{file}/{FILTER}.yaml"));
        let text = std::fs::read_to_string(path).unwrap();
        let policies: Vec<&str> = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("failure_policy: "))
            .collect();
        assert_eq!(policies, ["FAIL_OPEN"], "{file}");
    }
}
