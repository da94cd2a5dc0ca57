//! One cell, two workers, no lost count.

use crate::shell::rig::{Plan, upstream};

#[test]
fn two_workers_count_every_request_once() {
    const REQUESTS: usize = 2000;
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();

    let request = |_| rig.client().get("/cell").request();
    let responses = rig.client().burst(REQUESTS, 64, request);

    let mut counts: Vec<usize> = responses
        .iter()
        .map(|response| response.text().parse().unwrap())
        .collect();
    counts.sort_unstable();
    assert!(counts.into_iter().eq(1..=REQUESTS), "a count was lost");
    let workers = rig
        .envoy
        .admin()
        .stats(r"listener\..*\.worker_\d\.downstream_cx_total");
    assert!(workers.values().all(|count| *count > 0), "{workers:?}");
    rig.lives();
}
