//! Nothing grows with traffic: values, series, and what a worker remembers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod world;

use proptest::prelude::*;
use world::{Proxy, SERVICE, world};

#[test]
fn a_hundred_thousand_values_are_at_most_as_many_as_configured() {
    let world = world();
    let mut proxy = Proxy::new(
        r#"{"tags": [{"name": "path", "header": {"name": "x-path"}, "maxValues": 50, "overflow": "rest"}],
            "labels": ["response_code"],
            "metrics": [{"overrides": [{"match": {"metric": "REQUEST_DURATION"}, "disabled": true}]}]}"#,
    );
    for number in 0..100_000 {
        proxy.reasons.clear();
        proxy.send(&world, &[("x-path", format!("/users/{number}").as_bytes())]);
    }
    let counted: Vec<_> = proxy
        .series
        .iter()
        .filter(|(name, _)| name.starts_with("istio_requests_total"))
        .collect();
    assert_eq!(counted.len(), 51);
    assert_eq!(
        counted.iter().map(|(_, count)| **count).sum::<u64>(),
        100_000
    );
    let rest = "istio_requests_total[response_code=200][path=rest]";
    assert_eq!(proxy.series[rest], 100_000 - 50);
    assert_eq!(proxy.reasons, ["overflow:path"]);
    assert_eq!(proxy.tag("path"), Some("rest"));
}

#[test]
fn all_workers_together_keep_one_ceiling() {
    let world = world();
    let config = r#"{"tags": [{"name": "a", "header": {"name": "a"}, "maxValues": 1000},
                              {"name": "b", "header": {"name": "b"}, "maxValues": 7}],
            "labels": [], "maxSeries": 40, "metrics": [{"overrides": [
              {"match": {"metric": "REQUEST_DURATION"}, "disabled": true},
              {"match": {"metric": "REQUEST_SIZE"}, "disabled": true}]}]}"#;
    // Two metrics are left that are counted for every request; gRPC messages there are none.
    let mut workers = [Proxy::new(config), Proxy::new(config)];
    for number in 0..400 {
        let a = (number * 7 % 100).to_string();
        let b = (number % 13).to_string();
        workers[number % 2].send(&world, &[("a", a.as_bytes()), ("b", b.as_bytes())]);
    }
    let mut names: Vec<&String> = workers
        .iter()
        .flat_map(|worker| worker.series.keys())
        .collect();
    names.sort_unstable();
    names.dedup();
    let overflow = names
        .iter()
        .filter(|name| name.ends_with("[a=other][b=other]"))
        .count();
    assert_eq!(overflow, 2);
    // Each metric's series counts for itself, once it has a sample.
    assert_eq!(names.len() - overflow, 40, "{names:?}");
    let values = |label: &str| {
        let mut values: Vec<&str> = names
            .iter()
            .filter_map(|name| {
                name.split_once(label)?
                    .1
                    .split_once(']')
                    .map(|(value, _)| value)
            })
            .filter(|value| *value != "other")
            .collect();
        values.sort_unstable();
        values.dedup();
        values.len()
    };
    assert!(values("[b=") <= 7);
    let sum: u64 = workers
        .iter()
        .flat_map(|worker| &worker.series)
        .filter(|(name, _)| name.starts_with("istio_requests_total"))
        .map(|(_, count)| count)
        .sum();
    assert_eq!(sum, 400);
    let reasons: Vec<&String> = workers.iter().flat_map(|worker| &worker.reasons).collect();
    assert!(reasons.iter().any(|reason| *reason == "series_overflow"));
    assert!(reasons.iter().any(|reason| *reason == "overflow:b"));
}

#[test]
fn a_new_configuration_keeps_what_was_admitted() {
    let world = world();
    let config = |most: u32| {
        format!(r#"{{"tags": [{{"name": "a", "header": {{"name": "a"}}, "maxValues": {most}}}]}}"#)
    };
    let mut proxy = Proxy::new(&config(1));
    proxy.send(&world, &[("a", b"first")]);
    proxy.send(&world, &[("a", b"second")]);
    assert_eq!(proxy.tag("a"), Some("other"));
    let mut proxy = Proxy::new(&config(2));
    proxy.send(&world, &[("a", b"second")]);
    assert_eq!(proxy.tag("a"), Some("second"));
    proxy.send(&world, &[("a", b"first")]);
    assert_eq!(proxy.tag("a"), Some("first"));
    proxy.send(&world, &[("a", b"third")]);
    assert_eq!(proxy.tag("a"), Some("other"));
}

#[test]
fn a_new_configuration_pays_only_for_series_that_are_new() {
    let world = world();
    let config = |disabled: &str| {
        format!(
            r#"{{"tags": [{{"name": "a", "header": {{"name": "a"}}}}], "labels": [], "maxSeries": 30, "metrics": [{{"overrides": [
                {{"match": {{"metric": "RESPONSE_SIZE"}}, "disabled": {disabled}}}]}}]}}"#
        )
    };
    let count = |proxy: &mut Proxy| {
        for value in 0..10 {
            proxy.send(&world, &[("a", value.to_string().as_bytes())]);
        }
        proxy.reasons.len()
    };
    // Ten values, three metrics.
    assert_eq!(count(&mut Proxy::new(&config("true"))), 0);
    // Without the fourth metric nothing is new, however often it is loaded anew.
    assert_eq!(count(&mut Proxy::new(&config("true"))), 0);
    let mut proxy = Proxy::new(&config("false"));
    assert_eq!(count(&mut proxy), 10);
    let beyond: Vec<&String> = proxy
        .series
        .keys()
        .filter(|name| name.contains("=other"))
        .collect();
    assert_eq!(beyond, ["istio_response_bytes[a=other]"]);
}

#[test]
fn a_stream_beyond_a_ceiling_is_told_of_once() {
    let world = world();
    let mut proxy = Proxy::new(
        r#"{"labels": [], "maxSeries": 1, "metrics": [{"overrides": [
            {"tagOverrides": {"a": {"value": "request.headers['a']", "maxValues": 1}}},
            {"match": {"metric": "REQUEST_SIZE"}, "tagOverrides": {"a": {"value": "request.headers['a']", "maxValues": 2}}}]}]}"#,
    );
    proxy.send(&world, &[("a", b"1")]);
    proxy.reasons.clear();
    proxy.send(&world, &[("a", b"2")]);
    proxy.reasons.sort_unstable();
    assert_eq!(proxy.reasons, ["overflow:a", "series_overflow"]);
}

#[test]
fn labels_of_one_name_have_a_ceiling_each() {
    let world = world();
    let mut proxy = Proxy::new(
        r#"{"labels": [], "metrics": [{"overrides": [
            {"match": {"metric": "REQUEST_COUNT"}, "tagOverrides": {"a": {"value": "request.headers['a']", "maxValues": 50}}},
            {"match": {"metric": "REQUEST_SIZE"}, "tagOverrides": {"a": {"value": "request.headers['a']", "maxValues": 2}}}]}]}"#,
    );
    for value in 0..50 {
        proxy.send(&world, &[("a", value.to_string().as_bytes())]);
    }
    let values = |metric: &str| {
        proxy
            .series
            .keys()
            .filter(|name| name.starts_with(metric))
            .count()
    };
    assert_eq!(values("istio_requests_total[a="), 50);
    assert_eq!(values("istio_request_bytes[a="), 3);
}

#[test]
fn no_value_of_one_label_counts_as_one_of_another() {
    let world = world();
    let mut proxy = Proxy::new(
        r#"{"tags": [{"name": "a", "header": {"name": "a"}, "maxValues": 2},
                     {"name": "a/b", "header": {"name": "b"}, "maxValues": 1}]}"#,
    );
    proxy.send(&world, &[("a", b"b"), ("b", b"one")]);
    proxy.send(&world, &[("a", b"b/c"), ("b", b"one")]);
    proxy.send(&world, &[("a", b"b"), ("b", b"c")]);
    assert_eq!(
        (proxy.tag("a"), proxy.tag("a/b")),
        (Some("b"), Some("other"))
    );
    proxy.send(&world, &[("a", b"third"), ("b", b"one")]);
    assert_eq!(
        (proxy.tag("a"), proxy.tag("a/b")),
        (Some("other"), Some("one"))
    );
}

#[test]
fn istios_labels_have_a_ceiling_of_their_own() {
    let hosts = |config: &str, count: usize| {
        let world = world();
        let mut proxy = Proxy::new(&format!(
            r#"{{"labels": ["destination_service"], "metrics": [{{}}] {config}}}"#
        ));
        for number in 0..count {
            world.set_property(&["xds", "cluster_name"], format!("c{number}"));
            let path = [&SERVICE[..], &["host"]].concat();
            world.set_property(&path, format!("service-{number}.example"));
            proxy.send(&world, &[]);
        }
        let named = |name: &&String| name.starts_with("istio_requests_total[");
        proxy.series.keys().filter(named).count()
    };
    assert_eq!(hosts("", 600), 600);
    assert_eq!(hosts(r#", "maxValues": 20"#, 600), 21);
}

proptest! {
    #[test]
    fn no_value_breaks_out_of_its_label(value in prop::collection::vec(any::<u8>(), 0..80)) {
        let mut proxy = Proxy::new(
            r#"{"tags": [{"name": "a", "header": {"name": "a"}}], "labels": ["response_code"], "metrics": [{}]}"#,
        );
        proxy.send(&world(), &[("a", &value)]);
        let labels = proxy.labels("istio_requests_total");
        prop_assert_eq!(labels.get("a").map(String::as_str), proxy.tag("a"));
        prop_assert_eq!(labels.len(), 1 + usize::from(proxy.tag("a").is_some()));
        prop_assert!(proxy.tag("a").unwrap_or("x").chars().all(|c| !c.is_control() && !"[]\"\\'".contains(c)));
    }
}
