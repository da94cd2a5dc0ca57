//! What Envoy would keep for ever stays bounded, over all workers, however many values come.

use std::collections::BTreeSet;

use integration::client::{Client, Frames, Request};
use integration::service::wait::until;
use serde_json::json;

use crate::telemetry_tags::SOON;
use crate::telemetry_tags::rig::{labelled, ours, requests_by, series, start, wait_counted};

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

/// The count that a scrape shows, of all metrics, a histogram for one; and codes stay true beyond it.
#[test]
fn all_series_together_have_a_ceiling() {
    let config = json!({
        "tags": [
            {"name": "shape", "expression": "request.url_path", "maxValues": 1000},
            {"name": "tenant", "header": {"name": "x-tenant"}, "maxValues": 30},
        ],
        "metrics": [{"providers": [{"name": "prometheus"}]}],
        "labels": ["response_code", "reporter"],
        "maxSeries": 40,
    });
    let answer = |code: u16| {
        let wanted = json!({"name": "x-code", "string_match": {"exact": code.to_string()}});
        json!({
            "match": {"prefix": "/", "headers": [wanted]},
            "direct_response": {"status": code},
        })
    };
    let codes = [200, 404, 503];
    let listener = ours(&config, &[])
        .manager("access_log", json!([]))
        .routes(codes.map(answer).to_vec());
    let envoy = start(labelled([listener], []));
    let client = Client::http1(envoy.addr("ours"));

    let answers = client.burst(2_100, 16, |n| {
        let (code, tenant) = (codes[n % 3].to_string(), (n % 37).to_string());
        Request::get(&format!("/p{}", n % 41))
            .header("x-tenant", tenant)
            .header("x-code", code)
    });

    assert_eq!(answers.len(), 2_100);
    wait_counted(&envoy, 2_100);
    // Histograms are shown when Envoy has merged those of its workers.
    let merged = || {
        let page = envoy.admin().prometheus();
        let counts = series(&page, "istio_response_bytes_count");
        let sum: f64 = counts.iter().map(|series| series.value).sum();
        (sum as u64 == 2_100).then_some(page)
    };
    let page = until(SOON, merged).expect("a flush of histograms");
    let shown = [
        "istio_requests_total",
        "istio_request_duration_milliseconds_count",
        "istio_request_bytes_count",
        "istio_response_bytes_count",
        "istio_request_messages_total",
        "istio_response_messages_total",
    ]
    .map(|metric| series(&page, metric).len());
    let count: usize = shown.iter().sum();
    assert!((25..=40).contains(&count), "{shown:?}");
    let by_code = requests_by(&envoy, "response_code");
    let expected = codes.map(|code| (code.to_string(), 700));
    assert_eq!(by_code, expected.into());

    // Each is told once, by one of two workers.
    let log = envoy.log();
    for told in [
        "`maxSeries`, 40, is near: combinations of labels that are new are counted without the values of ",
        "the label `tenant` has its `maxValues`, 30: every other value is counted as `other`",
    ] {
        assert_eq!(log.matches(told).count(), 1, "{told}\n{log}");
    }
    assert!(!log.contains("of all labels"), "{log}");
}
