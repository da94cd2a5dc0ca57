//! Nothing grows with traffic: values, series, and what a worker remembers.

use crate::world::{Proxy, SERVICE, world};
use proptest::prelude::*;

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
    // All series of all metrics, those for what is beyond among them.
    assert!((20..=40).contains(&names.len()), "{names:?}");
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
            r#"{{"tags": [{{"name": "a", "header": {{"name": "a"}}}}], "labels": [], "maxSeries": 70, "metrics": [{{"overrides": [
                {{"match": {{"metric": "RESPONSE_SIZE"}}, "disabled": {disabled}}}]}}]}}"#
        )
    };
    let count = |proxy: &mut Proxy| {
        for value in 0..10 {
            proxy.send(&world, &[("a", value.to_string().as_bytes())]);
        }
        proxy.reasons.len()
    };
    // Ten values, three metrics; half of the rest is kept for series without `a`.
    assert_eq!(count(&mut Proxy::new(&config("true"))), 0);
    // Without the fourth metric nothing is new, however often it is loaded anew.
    assert_eq!(count(&mut Proxy::new(&config("true"))), 0);
    let mut proxy = Proxy::new(&config("false"));
    assert_eq!(count(&mut proxy), 8);
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
        r#"{"labels": [], "maxSeries": 8, "metrics": [{"overrides": [
            {"tagOverrides": {"a": {"value": "request.headers['a']", "maxValues": 1}}},
            {"match": {"metric": "REQUEST_SIZE"}, "tagOverrides": {"a": {"value": "request.headers['a']", "maxValues": 2}}}]}]}"#,
    );
    proxy.send(&world, &[("a", b"1")]);
    proxy.reasons.clear();
    proxy.log.clear();
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

/// Only requests are counted, by path, tenant and code.
fn by_code(most: u32) -> String {
    let off = [
        "REQUEST_DURATION",
        "REQUEST_SIZE",
        "RESPONSE_SIZE",
        "GRPC_REQUEST_MESSAGES",
        "GRPC_RESPONSE_MESSAGES",
    ];
    let off = off.map(|name| format!(r#"{{"match": {{"metric": "{name}"}}, "disabled": true}}"#));
    format!(
        r#"{{"tags": [{{"name": "path", "header": {{"name": "path"}}, "maxValues": 2000}},
                      {{"name": "tenant", "header": {{"name": "tenant"}}, "maxValues": 2000}}],
             "labels": ["response_code"], "maxSeries": {most}, "metrics": [{{"overrides": [{}]}}]}}"#,
        off.join(", ")
    )
}

fn answered(world: &sdk_helpers::world::fake::FakeWorld, code: i64) {
    world.set_property(&["response", "code"], code.to_le_bytes());
}

#[test]
fn the_widest_label_is_given_up_first_and_the_log_says_so_once() {
    let world = world();
    let config = by_code(400);
    let mut workers = [Proxy::new(&config), Proxy::new(&config)];
    let codes = [200, 404, 503];
    for number in 0..3_000_usize {
        answered(&world, codes[number % 3]);
        let (path, tenant) = (format!("/{number}"), format!("t{}", number % 5));
        let headers = [("path", path.as_bytes()), ("tenant", tenant.as_bytes())];
        workers[number % 2].send(&world, &headers);
    }
    let log = workers.iter().flat_map(|worker| &worker.log);
    let log: Vec<&String> = log.collect();
    assert_eq!(
        log,
        [
            "`maxSeries`, 400, is near: combinations of labels that are new are counted without the values of \
          `path`; give these `templates` or fewer values, remove them from metrics, or raise `maxSeries`",
            "the label `path` has its `maxValues`, 2000: every other value is counted as `other`; give it \
          `templates`, a narrower expression, or a larger `maxValues`"
        ]
    );
    // Tenants are true, and so are codes.
    let sum = |label: &str| {
        let series = workers.iter().flat_map(|worker| &worker.series);
        let of_label = series.filter(|(name, _)| name.contains(label));
        of_label.map(|(_, count)| count).sum::<u64>()
    };
    assert_eq!(sum("[response_code=404]"), 1_000);
    assert_eq!(sum("[tenant=t3]"), 600);
    assert_eq!(sum("[path=other]"), 3_000 - 300);
    assert_eq!(sum("[tenant=other]"), 0);

    // What was given up stays so, also for a configuration that comes later and has seen nothing.
    let mut later = Proxy::new(&config);
    answered(&world, 418);
    later.send(&world, &[("path", b"/new"), ("tenant", b"t3")]);
    let names: Vec<&String> = later.series.keys().collect();
    assert_eq!(
        names,
        ["istio_requests_total[response_code=418][path=other][tenant=t3]"]
    );
    assert_eq!(later.log, Vec::<String>::new());
}

/// Metrics with other labels give up the same one, and a larger ceiling is reached later.
#[test]
fn what_is_given_up_is_told_once_for_each_ceiling() {
    let world = world();
    let config = |most: u32| {
        format!(
            r#"{{"tags": [{{"name": "path", "header": {{"name": "path"}}, "maxValues": 2000}}], "labels": ["response_code"],
                "maxSeries": {most}, "metrics": [{{"overrides": [
                {{"match": {{"metric": "REQUEST_SIZE"}}, "tagOverrides": {{"response_code": {{"operation": "REMOVE"}}}}}}]}}]}}"#
        )
    };
    let told = |most: u32| {
        let mut workers = [Proxy::new(&config(most)), Proxy::new(&config(most))];
        for number in 0..600_usize {
            let path = number.to_string();
            workers[number % 2].send(&world, &[("path", path.as_bytes())]);
        }
        let log = workers.iter().flat_map(|worker| &worker.log);
        let near = log.filter(|line| line.starts_with(&format!("`maxSeries`, {most}, is near")));
        near.count()
    };
    assert_eq!([told(100), told(100), told(200)], [1, 0, 1]);
}

/// A second label is flooded when the first one is given up already.
#[test]
fn a_flood_of_one_label_after_another_takes_no_codes_along() {
    let world = world();
    let mut proxy = Proxy::new(&by_code(100));
    for number in 0..4_000_u32 {
        answered(&world, [200, 404, 503][number as usize % 3]);
        let path = number.to_string();
        let tenant = if number < 2_000 {
            "one".to_owned()
        } else {
            number.to_string()
        };
        let headers = [("path", path.as_bytes()), ("tenant", tenant.as_bytes())];
        proxy.send(&world, &headers);
    }
    answered(&world, 500);
    proxy.send(&world, &[("path", b"last"), ("tenant", b"last")]);
    assert!(proxy.series.len() <= 100, "{}", proxy.series.len());
    let code = |code: &str| {
        let of_code = proxy.series.iter().filter(|(name, _)| name.contains(code));
        of_code.map(|(_, count)| count).sum::<u64>()
    };
    let codes = ["=200]", "=404]", "=503]", "=500]"].map(code);
    assert_eq!(codes, [1_334, 1_333, 1_333, 1]);
    assert!(proxy.log[2].contains("`path`, `tenant`"), "{:?}", proxy.log);
}

#[test]
fn with_all_its_labels_given_up_a_metric_still_counts() {
    let world = world();
    let mut proxy = Proxy::new(&by_code(3));
    for code in 200..300 {
        answered(&world, code);
        proxy.send(&world, &[("path", b"/"), ("tenant", b"a")]);
    }
    assert_eq!(proxy.series.len(), 3, "{:?}", proxy.series);
    assert_eq!(proxy.series.values().sum::<u64>(), 100);
    let all = "istio_requests_total[response_code=other][path=other][tenant=other]";
    assert_eq!(proxy.series[all], 98);
    assert!(
        proxy.log.iter().any(|line| line.contains("of all labels")),
        "{:?}",
        proxy.log
    );
}

proptest! {
    /// Whatever comes, in whichever worker: no more series than there may be, every stream in one, and
    /// true codes while four of them are all there are.
    #[test]
    fn the_ceiling_holds_over_all_workers(
        most in 40_u32..300,
        streams in prop::collection::vec((0..2_usize, 0..60_u32, 0..60_u32, 0..4_usize), 0..900),
    ) {
        let world = world();
        let config = by_code(most);
        let mut workers = [Proxy::new(&config), Proxy::new(&config)];
        let codes = [200, 301, 404, 500];
        let mut expected = [0; 4];
        for (worker, path, tenant, code) in &streams {
            answered(&world, codes[*code]);
            let (path, tenant) = (path.to_string(), tenant.to_string());
            workers[*worker].send(&world, &[("path", path.as_bytes()), ("tenant", tenant.as_bytes())]);
            expected[*code] += 1;
        }
        let series = || workers.iter().flat_map(|worker| &worker.series);
        let mut names: Vec<&String> = series().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        prop_assert!(names.len() <= most as usize, "{} of {}", names.len(), most);
        prop_assert_eq!(series().map(|(_, count)| *count).sum::<u64>(), streams.len() as u64);
        let seen = codes.map(|code| {
            let label = format!("[response_code={code}]");
            series().filter(|(name, _)| name.contains(&label)).map(|(_, count)| *count).sum::<u64>()
        });
        prop_assert_eq!(seen, expected);
    }

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
