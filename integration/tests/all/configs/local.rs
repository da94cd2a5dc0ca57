//! `envoy-configs/local/fault-injection.yaml`: what an operator reads in log and metrics.

use std::time::Duration;

use integration::client::Client;
use integration::demo::Shipped;
use integration::envoy::Envoy;

use super::curl::{self, Promise};

const SOON: Duration = Duration::from_secs(10);

fn file() -> Shipped {
    Shipped::read("envoy-configs/local/fault-injection.yaml")
}

fn start() -> Envoy {
    let file = file().any_ports();
    file.envoy().start()
}

/// Sends what the comment has, and returns what Prometheus then reads of us.
fn after_the_comment(envoy: &Envoy) -> Vec<String> {
    let file = file();
    for curl in curl::all(&file) {
        // The plain request is left to chance: its counter could not be told.
        if curl.path != "/" && matches!(curl.promise, Promise::Answer { .. }) {
            curl.check(&file, envoy);
        }
    }
    let page = envoy.admin().prometheus();
    let ours = page
        .lines()
        .filter(|line| line.starts_with("mesh_filters_"));
    ours.map(str::to_owned).collect()
}

#[test]
fn prometheus_reads_rules_and_version_as_labels() {
    let envoy = start();

    let lines = after_the_comment(&envoy);

    let hash = envoy
        .admin()
        .stat("wasmcustom.mesh_filters.fault-injection.config_hash");
    let counters = [
        ("abort", "ratings-abort", 1),
        ("abort", "try", 1),
        ("delay", "reviews-delay", 1),
        ("delay", "reviews-fault", 0),
        ("delay", "try", 1),
        ("overflow", "orders-shadow", 0),
        ("overflow", "ratings-abort", 0),
        ("overflow", "reviews-delay", 0),
        ("overflow", "reviews-fault", 0),
        ("overflow", "try", 0),
        ("shadow_abort", "orders-shadow", 1),
    ];
    let counters = counters.map(|(reason, policy, count)| {
        format!("mesh_filters_fault_injection_{reason}{{policy=\"{policy}\"}} {count}")
    });
    let version = env!("CARGO_PKG_VERSION");
    let mut expected = Vec::from(counters);
    expected.extend([
        "mesh_filters_fault_injection_active{} 0".to_owned(),
        format!("mesh_filters_fault_injection_build_info{{version=\"{version}\"}} 1"),
        format!("mesh_filters_fault_injection_config_hash{{}} {hash}"),
    ]);
    assert_eq!(lines, expected);
    // The log names the same number, so that one can be found by the other.
    envoy.wait_log(&format!("configured: 5 rules, config_hash {hash}"), SOON);
}

#[test]
fn smoke_a_line_of_the_access_log_ends_with_the_reason() {
    let envoy = start();
    let client = Client::http1(envoy.addr("ingress"));

    let aborted = client.get("/ratings").header("end-user", "jason").send();
    client.get("/try").send();

    assert_eq!(
        (aborted.status, aborted.text()),
        (503, "fault filter abort".to_owned())
    );
    let line = envoy.wait_log("GET /ratings ", SOON);
    // The comment of the file promises this much.
    let promised = " reason=abort:ratings-abort";
    assert!(file().text().contains(&format!("`{}`", promised.trim())));
    assert!(
        line.starts_with("GET /ratings 503 ") && line.ends_with(promised),
        "{line}"
    );
    assert!(
        line.contains(" details=mesh_filters.fault-injection{abort:ratings-abort} "),
        "{line}"
    );
    let line = envoy.wait_log("GET /try ", SOON);
    assert!(line.ends_with(" reason=-"), "{line}");
}
