//! Percentages are what they say, beside Envoy's own.

use integration::client::{Client, Request};
use integration::envoy::Envoy;
use integration::listener::bootstrap;
use integration::shared::Shared;
use serde_json::json;

use crate::fault_injection::{native, ours};

/// Half the width of the interval that holds 99.9 % of a binomial's outcomes, by the normal
/// approximation, which at these numbers is good to one request.
fn spread(requests: f64, share: f64) -> f64 {
    3.2905 * (requests * share * (1.0 - share)).sqrt()
}

#[test]
fn one_in_ten_is_one_in_ten() {
    let envoy = Shared::start(
        [
            native(&json!({"abort": {"http_status": 503, "percentage": {"numerator": 10}}})),
            ours(
                &json!({"http": [{"fault": {"abort": {"httpStatus": 503, "percentage": {"value": 10.0}}}}]}),
            ),
        ],
        [],
    );
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

/// A share that a header lowers: in Envoy's denominator as Envoy's own filter counts it, and in
/// percents where the configuration has percents.
#[test]
fn a_header_is_counted_as_the_configuration_is() {
    const REQUESTS: usize = 1_000;
    let fractions = [
        (100, "HUNDRED", "30", 0.3),
        (50, "HUNDRED", "80", 0.5),
        (10_000, "TEN_THOUSAND", "2500", 0.25),
        (1_000_000, "MILLION", "100000", 0.1),
        (1_000_000, "MILLION", "100", 0.0001),
        (1_000_000, "MILLION", "1000000", 1.0),
    ];
    let fractions = fractions.map(|(numerator, denominator, header, share)| {
        let percentage = json!({"numerator": numerator, "denominator": denominator});
        let theirs = json!({"abort": {"header_abort": {}, "percentage": percentage}});
        (Some(theirs), percentage, header, share)
    });
    let values = [(100.0, "100", 1.0), (100.0, "25", 0.25), (10.0, "100", 0.1)];
    let values =
        values.map(|(value, header, share)| (None, json!({"value": value}), header, share));
    for (theirs, percentage, header, share) in fractions.into_iter().chain(values) {
        let mine =
            json!({"http": [{"fault": {"abort": {"headerAbort": {}, "percentage": percentage}}}]});
        let listeners = theirs.iter().map(native).chain([ours(&mine)]);
        let names = if theirs.is_some() {
            &["native", "ours"][..]
        } else {
            &["ours"]
        };
        let envoy = Shared::start(listeners, []);
        for listener in names {
            let client = Client::http1(envoy.addr(listener));
            let within = || {
                let answers = client.burst(REQUESTS, 8, |_| {
                    Request::get("/")
                        .header("x-envoy-fault-abort-request", "418")
                        .header("x-envoy-fault-abort-request-percentage", header)
                });
                let aborted = answers.iter().filter(|answer| answer.status == 418).count();
                let off = (aborted as f64 - REQUESTS as f64 * share).abs();
                // One more, where hardly any or all are expected.
                off <= spread(REQUESTS as f64, share) + if share < 0.01 { 1.0 } else { 0.0 }
            };
            assert!(within() || within(), "{listener}: {percentage}, {header}");
        }
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
    let seen = integration::service::wait::until(crate::fault_injection::SOON, || {
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
