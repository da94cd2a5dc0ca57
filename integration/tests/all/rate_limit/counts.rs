//! How many requests pass, to the request: over two workers, at one hot key, under more load than
//! the limit lets through.

use std::time::{Duration, Instant};

use integration::client::{Client, Request};
use integration::envoy::Envoy;
use integration::listener::bootstrap;
use serde_json::json;

use crate::rate_limit::ours;

/// What a run admitted, and what a bucket would have given in that time.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) admitted: u64,
    pub(crate) sent: u64,
    /// From before the first request to after the last answer: no more can have passed.
    longest: Duration,
    /// From the first answer to the last one that began: no less can have passed, had there
    /// always been a request when a token was.
    shortest: Duration,
}

impl Run {
    /// Keeps more requests coming than any limit here lets through, for this long. Between two
    /// bursts a bucket fills a little: it must hold more than that, or tokens are lost.
    pub(crate) fn of(client: &Client, time: Duration, request: impl Fn() -> Request) -> Self {
        let (mut admitted, mut sent) = (0, 0);
        let start = Instant::now();
        let mut answered = None;
        let mut last = start;
        while start.elapsed() < time {
            last = Instant::now();
            for answer in client.burst(200, 16, |_| request()) {
                sent += 1;
                match answer.status {
                    200 => admitted += 1,
                    429 => {}
                    other => panic!("{other}: {}", answer.text()),
                }
            }
            answered.get_or_insert_with(Instant::now);
        }
        Run {
            admitted,
            sent,
            longest: start.elapsed(),
            shortest: last.saturating_duration_since(answered.unwrap_or(last)),
        }
    }

    /// Asserts that no more passed than a bucket holds and regains, and no less than that but for
    /// one token.
    #[track_caller]
    pub(crate) fn is(&self, burst: u64, per_second: u64) {
        let tokens = |time: Duration| {
            burst + u64::try_from(time.as_nanos() * u128::from(per_second) / 1_000_000_000).unwrap()
        };
        let (least, most) = (tokens(self.shortest) - 1, tokens(self.longest));
        assert!(
            (least..=most).contains(&self.admitted),
            "{least} to {most}: {self:?}"
        );
        assert!(self.sent > 2 * most, "too little load to tell: {self:?}");
    }
}

#[test]
fn a_hot_key_gets_its_limit_over_two_workers_and_not_one_request_more() {
    let config = json!({"limits": [
        {"name": "hot", "key": [{"header": "x-key"}], "requests": 40, "per": "1s", "burst": 60},
    ]});
    let envoy = Envoy::builder(bootstrap([ours(&config)], []))
        .workers(2)
        .start();
    let client = Client::http1(envoy.addr("ours"));
    let request = || client.get("/").header("x-key", "hot").request();

    let run = Run::of(&client, Duration::from_secs(5), request);

    run.is(60, 40);
    let connections = envoy.admin().stats("worker_[01].downstream_cx_total");
    let busy = connections.values().filter(|count| **count > 0).count();
    assert_eq!(busy, 2, "{connections:?}");
    // Another key has a bucket of its own all the while, and the counters know both.
    let other = client.get("/").header("x-key", "other").send();
    assert_eq!(other.header("x-ratelimit-remaining"), Some("59"));
    let limited = envoy
        .admin()
        .stat("wasmcustom.mesh_filters.rate-limit.limited[policy=hot]");
    assert_eq!(limited, run.sent - run.admitted);
}

#[test]
fn several_limits_hold_together() {
    let config = json!({"limits": [
        {"name": "wide", "requests": 1000, "per": "1s", "burst": 1000},
        {"name": "narrow", "requests": 20, "per": "1s", "burst": 30},
    ]});
    let envoy = Envoy::builder(bootstrap([ours(&config)], []))
        .workers(2)
        .start();
    let client = Client::http1(envoy.addr("ours"));

    let run = Run::of(&client, Duration::from_secs(2), || Request::get("/"));

    run.is(30, 20);
    // What the narrow one refused took nothing from the wide one.
    let refused_by_wide = envoy
        .admin()
        .stat("wasmcustom.mesh_filters.rate-limit.limited[policy=wide]");
    assert_eq!(refused_by_wide, 0);
}
