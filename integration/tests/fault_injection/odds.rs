//! Percentages are what they say, beside Envoy's own.

use integration::client::{Client, Request};
use integration::envoy::Envoy;
use integration::listener::bootstrap;
use serde_json::json;

use crate::{native, ours};

/// Half the width of the interval that holds 99.9 % of a binomial's outcomes, by the normal
/// approximation, which at these numbers is good to one request.
fn spread(requests: f64, share: f64) -> f64 {
    3.2905 * (requests * share * (1.0 - share)).sqrt()
}

#[test]
fn one_in_ten_is_one_in_ten() {
    let envoy = Envoy::builder(bootstrap(
        [
            native(&json!({"abort": {"http_status": 503, "percentage": {"numerator": 10}}})),
            ours(&json!({"http": [{"fault": {"abort": {"httpStatus": 503, "percentage": {"value": 10.0}}}}]})),
        ],
        [],
    ))
    .start();
    const REQUESTS: usize = 2_000;
    for listener in ["native", "ours"] {
        let client = Client::http1(envoy.addr(listener));
        let aborted = || {
            let answers = client.burst(REQUESTS, 8, |_| Request::get("/"));
            answers.iter().filter(|answer| answer.status == 503).count()
        };
        let within = |aborted: usize| {
            let off = (aborted as f64 - 200.0).abs();
            off <= spread(REQUESTS as f64, 0.1)
        };
        // Good dice leave the interval once in a thousand runs, and so in a million twice in a row.
        let (first, second) = (aborted(), aborted());
        assert!(
            within(first) || within(second),
            "{listener}: {first} and {second} of {REQUESTS}"
        );
    }
}

/// The abort's roll knows nothing of the delay's.
#[test]
fn the_two_rolls_are_independent() {
    let config = json!({"http": [{"fault": {
        "delay": {"percentage": {"value": 50}, "fixedDelay": "1ms"},
        "abort": {"percentage": {"value": 50}, "httpStatus": 503},
    }}]});
    let envoy = Envoy::builder(bootstrap([ours(&config)], [])).start();
    const REQUESTS: usize = 2_000;
    let client = Client::http1(envoy.addr("ours"));
    client.burst(REQUESTS, 8, |_| Request::get("/"));
    let count = |reason: &str| {
        let needle = format!("\"reason\":{reason}}}");
        envoy
            .log()
            .lines()
            .filter(|line| line.contains(&needle))
            .count()
    };
    let lines = || {
        [
            "null",
            "\"delay:http-0\"",
            "\"abort:http-0\"",
            "\"delay:http-0,abort:http-0\"",
        ]
        .map(count)
    };
    let seen = integration::service::wait::until(crate::SOON, || {
        let seen = lines();
        (seen.iter().sum::<usize>() == REQUESTS).then_some(seen)
    });
    let seen = seen.unwrap_or_else(|| panic!("only {:?} of {REQUESTS} logged", lines()));
    for quarter in seen {
        let off = (quarter as f64 - 500.0).abs();
        // Half as far again: four looks at the dice must not fail a good run.
        assert!(off <= 1.5 * spread(REQUESTS as f64, 0.25), "{seen:?}");
    }
}
