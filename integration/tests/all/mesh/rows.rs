//! What several tests of a mesh ask, and what they expect of chance.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use integration::client::{Client, Request, Response};
use integration::mesh::Mesh;

/// How many requests of a workload are on their way at once.
const AT_ONCE: usize = 4;
/// How far from its mean a normally distributed number is but once in a thousand times.
const SIGMAS: f64 = 3.2905;

/// What is seen in one mesh.
pub(super) type Row = (&'static str, fn(&Mesh));

/// Sees all of it, and says at the end what was otherwise.
#[track_caller]
pub(super) fn see(mesh: &Mesh, rows: &[Row]) {
    let fails = |(_, row): &&Row| catch_unwind(AssertUnwindSafe(|| row(mesh))).is_err();
    let failed: Vec<&str> = rows.iter().filter(fails).map(|(name, _)| *name).collect();
    assert!(failed.is_empty(), "not as promised: {failed:?}");
}

/// One request for a service.
#[track_caller]
pub(super) fn ask(client: &Client, service: &str, path: &str) -> Response {
    client.get(path).authority(service).send()
}

/// This many, over a few connections that last.
#[track_caller]
pub(super) fn ask_often(client: &Client, count: usize, request: &Request) -> Vec<Response> {
    client.burst(count, AT_ONCE, |_| request.clone())
}

/// A `GET` of a service.
pub(super) fn get(service: &str, path: &str) -> Request {
    Request::get(path).authority(service)
}

/// Whether `count` of `of` is within the interval in which such a number is 999 of 1,000 times.
pub(super) fn is_likely(count: usize, of: usize, share: f64) -> bool {
    let [count, of] = [count, of].map(|number| number as f64);
    let deviation = (of * share * (1.0 - share)).sqrt();
    (count - of * share).abs() <= SIGMAS * deviation + 0.5
}

/// That the answers have these shares, within the interval of 99.9 %. Chance misses it once in a thousand times, so it
/// may once, and twice in a row it does not.
#[track_caller]
pub(super) fn shares(expected: &[(&str, f64)], count: impl Fn() -> BTreeMap<String, usize>) {
    let fits = |counts: &BTreeMap<String, usize>| {
        let all = counts.values().sum();
        let known = expected.iter().all(|(name, share)| {
            let counted = counts.get(*name).copied().unwrap_or_default();
            is_likely(counted, all, *share)
        });
        let sum: usize = expected
            .iter()
            .filter_map(|(name, _)| counts.get(*name))
            .sum();
        known && sum == all
    };
    let first = count();
    if !fits(&first) {
        let second = count();
        assert!(fits(&second), "{expected:?}: {first:?}, then {second:?}");
    }
}
