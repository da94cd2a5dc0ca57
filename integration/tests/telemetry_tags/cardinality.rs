//! What Envoy would keep for ever stays bounded, over all workers, however many values come.

use std::collections::BTreeSet;

use integration::client::{Client, Frames, Request};
use serde_json::json;

use crate::SOON;
use crate::rig::{labelled, ours, requests_by, series, start, wait_counted};

/// Requests of one round, over all connections.
const ROUND: usize = 250_000;
const ROUNDS: usize = 4;
const MOST: usize = 50;

const CONNECTIONS: usize = 4;

#[test]
fn a_million_paths_are_fifty_series_and_no_memory() {
    let config = json!({
        "tags": [{"name": "shape", "expression": "request.url_path", "maxValues": MOST, "overflow": "other"}],
        "metrics": [{"overrides": [{"match": {"metric": "REQUEST_COUNT"}}]}],
        "labels": ["response_code", "reporter"],
    });
    let mut listener = ours(&config, &[]);
    // A million lines would be what grows.
    listener = listener.manager("access_log", json!([]));
    let envoy = start(labelled([listener], []));
    let addr = envoy.addr("ours");
    let mut memory = Vec::new();
    for round in 0..ROUNDS {
        let share = ROUND / CONNECTIONS;
        std::thread::scope(|scope| {
            for connection in 0..CONNECTIONS {
                let first = round * ROUND + connection * share;
                scope.spawn(move || {
                    let paths = (first..first + share).map(|path| (format!("/p{path}"), &[][..]));
                    Frames::connect(addr).get(paths)
                });
            }
        });
        wait_counted(&envoy, ((round + 1) * ROUND) as u64);
        memory.push((envoy.rss(), envoy.admin().memory()));
    }

    let page = envoy.admin().prometheus();
    let counted = series(&page, "istio_requests_total");
    let values: BTreeSet<_> = counted
        .iter()
        .map(|series| &series.labels["shape"])
        .collect();
    assert_eq!(values.len(), MOST + 1, "{values:?}");
    assert_eq!(counted.len(), MOST + 1);
    let by_value = requests_by(&envoy, "shape");
    // Each path comes once.
    assert_eq!(by_value["other"], (ROUND * ROUNDS - MOST) as u64);
    let overflow = "wasmcustom.mesh_filters.telemetry-tags.overflow[policy=shape]";
    let all = by_value["other"];
    envoy
        .admin()
        .wait_stat(overflow, |count| count == all, SOON);
    eprintln!("resident and allocated bytes after each round: {memory:?}");
    let grown = memory[ROUNDS - 1].0.saturating_sub(memory[0].0);
    assert!(grown < 4 << 20, "grown by {grown} bytes: {memory:?}");
}

#[test]
fn all_series_together_have_a_ceiling() {
    let config = json!({
        "tags": [
            {"name": "shape", "expression": "request.url_path", "maxValues": 1000},
            {"name": "tenant", "header": {"name": "x-tenant"}, "maxValues": 1000},
        ],
        "metrics": [{"providers": [{"name": "prometheus"}]}],
        "labels": ["response_code", "reporter"],
        "maxSeries": 40,
    });
    let envoy = start(labelled(
        [ours(&config, &[]).manager("access_log", json!([]))],
        [],
    ));
    let client = Client::http1(envoy.addr("ours"));

    let answers = client.burst(2_000, 16, |n| {
        let tenant = (n % 37).to_string();
        Request::get(&format!("/p{}", n % 41)).header("x-tenant", tenant)
    });

    assert!(answers.iter().all(|answer| answer.status == 200));
    wait_counted(&envoy, 2_000);
    let counted = series(&envoy.admin().prometheus(), "istio_requests_total").len();
    assert!((2..=40).contains(&counted), "{counted}");
}
