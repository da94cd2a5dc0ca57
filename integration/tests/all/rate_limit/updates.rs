//! The life of a configuration: refused at start, refused at an update, replaced while limits
//! count.

use integration::client::Client;
use integration::envoy::Envoy;
use integration::service::wait::until;
use integration::updates;
use serde_json::{Value, json};

use crate::rate_limit::{FILTER, SOON, ours};

const BAD: &str = "limits[0].requests: 0 would refuse every request; at least 1";

fn limit(requests: u32) -> Value {
    json!({"name": "counted", "match": [{"uri": {"prefix": "/counted"}}], "requests": requests, "per": "1h"})
}

#[test]
fn a_bad_configuration_is_refused_at_start_with_every_error() {
    let config = json!({"limits": [limit(0), {"requests": 1, "per": "soon"}]});
    let log = updates::refused_at_start(ours(&config));
    for error in [
        BAD,
        "limits[1].per: `soon` is not a duration such as `250ms`, `5s` or `1m30s`",
    ] {
        let line = format!("{FILTER}: {error}");
        updates::told_once(&log, &line, |logged, part| logged.ends_with(part));
    }
}

fn updatable(config: &Value) -> Envoy {
    let listener = ours(config).build();
    updates::builder(&[listener], |_| {}).workers(2).start()
}

fn update(envoy: &Envoy, config: &Value) {
    updates::update(envoy, &[ours(config).build()]);
}

#[test]
fn counts_outlive_good_updates_and_bad_ones() {
    let envoy = updatable(&json!({"limits": [limit(5)]}));
    let left = || {
        let answer = Client::http1(envoy.addr("ours")).get("/counted").send();
        let left = answer.header("x-ratelimit-remaining").map(str::to_owned);
        (answer.status, left.unwrap_or_default())
    };
    assert_eq!(left(), (200, "4".to_owned()));

    update(&envoy, &json!({"limits": [limit(0)]}));
    envoy.wait_log(&format!("{FILTER}: {BAD}"), SOON);
    envoy
        .admin()
        .wait_stat("listener_manager.lds.update_rejected", |n| n == 1, SOON);
    assert_eq!(left(), (200, "3".to_owned()));

    // A good one adds a limit; the first goes on where it was.
    let new =
        json!({"name": "new", "match": [{"uri": {"exact": "/new"}}], "requests": 1, "per": "1h"});
    update(&envoy, &json!({"limits": [new, limit(5)]}));
    let taken = until(SOON, || {
        let answer = Client::http1(envoy.addr("ours"))
            .get("/new")
            .try_send()
            .ok()?;
        (answer.status == 429).then_some(())
    });
    assert!(taken.is_some(), "the good update was not taken");
    assert_eq!(left(), (200, "2".to_owned()));
    assert_eq!(left(), (200, "1".to_owned()));
    assert_eq!(left(), (200, "0".to_owned()));
    assert_eq!(left(), (429, "0".to_owned()));
}
