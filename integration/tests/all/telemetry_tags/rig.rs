//! An Envoy with our filter, the labels that we ship, and ways to read what it tells.

use std::collections::BTreeMap;

use integration::client::Client;
use integration::envoy::{Config, Envoy, read_config};
use integration::listener::{Listener, bootstrap};
use integration::service::wait::until;
use serde_json::{Value, json};

use crate::telemetry_tags::{FILTER, SOON};

/// The file that people copy.
pub(crate) const SHIPPED: &str = "envoy-configs/local/telemetry-tags.yaml";

/// Where an access log and a span find a tag.
pub(crate) fn tag_format(tag: &str) -> String {
    format!("%FILTER_STATE(wasm.mesh_filters.tag.{tag}:PLAIN)%")
}

/// A listener with our filter, which logs these tags and the status.
pub(crate) fn ours(config: &Value, tags: &[&str]) -> Listener {
    let listener = Listener::new("ours")
        .module(FILTER, config)
        .log("status", "%RESPONSE_CODE%");
    tags.iter().fold(listener, |listener, tag| {
        listener.log(tag, &tag_format(tag))
    })
}

/// A bootstrap whose statistics have labels as the file that we ship makes them.
pub(crate) fn labelled(
    listeners: impl IntoIterator<Item = Listener>,
    clusters: impl IntoIterator<Item = Value>,
) -> Config {
    let shipped = read_config(SHIPPED);
    let mut stats = shipped.value()["stats_config"].clone();
    // For tags of the tests' own, one entry each: the comment of the file tells how.
    let labels = stats["stats_tags"].as_array_mut().unwrap();
    for tag in ["tenant", "shape"] {
        let pattern = format!(r"(\[{tag}=([^\]]*)\])");
        labels.push(json!({"tag_name": tag, "regex": pattern}));
    }
    let mut config = bootstrap(listeners, clusters);
    config.value_mut()["stats_config"] = stats;
    config
}

/// An Envoy that writes its log at once.
pub(crate) fn start(config: Config) -> Envoy {
    Envoy::builder(config)
        .args(["--file-flush-interval-msec", "20"])
        .start()
}

/// The lines of the access log about this path, when there are `count`.
pub(crate) fn lines(envoy: &Envoy, path: &str, count: usize) -> Vec<Value> {
    let about = |line: &str| {
        let line: Value = serde_json::from_str(line).ok()?;
        (line["path"] == path).then_some(line)
    };
    let all = || -> Vec<Value> { envoy.log().lines().filter_map(about).collect() };
    let found = until(SOON, || Some(all()).filter(|lines| lines.len() >= count));
    let found = found.unwrap_or_else(|| panic!("{} lines about {path}", all().len()));
    assert_eq!(found.len(), count, "{path}");
    found
}

/// One series of Envoy's page for Prometheus.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

/// The series of a metric, read as Prometheus reads them.
pub(crate) fn series(page: &str, metric: &str) -> Vec<Series> {
    let named = page.lines().filter_map(|line| {
        let rest = line.strip_prefix(metric)?;
        rest.starts_with(['{', ' ']).then_some(rest)
    });
    named
        .map(|rest| parse(rest).expect("a line of the text format"))
        .collect()
}

fn parse(text: &str) -> Option<Series> {
    let mut labels = BTreeMap::new();
    let mut rest = text;
    if let Some(inner) = text.strip_prefix('{') {
        rest = inner;
        while !rest.starts_with('}') {
            let (name, more) = rest.split_once("=\"")?;
            let (value, more) = quoted(more)?;
            labels.insert(name.to_owned(), value);
            rest = more.strip_prefix(',').unwrap_or(more);
        }
        rest = rest.strip_prefix('}')?;
    }
    let value = rest.trim().parse().ok()?;
    Some(Series { labels, value })
}

/// What stands before the closing quote, and what after it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    loop {
        match characters.next()? {
            (end, '"') => return Some((value, text.get(end + 1..)?)),
            (_, '\\') => match characters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            (_, other) => value.push(other),
        }
    }
}

/// How often requests were counted, by the value of a label.
pub(crate) fn requests_by(envoy: &Envoy, label: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for series in series(&envoy.admin().prometheus(), "istio_requests_total") {
        let value = series.labels.get(label).cloned().unwrap_or_default();
        *counts.entry(value).or_default() += series.value as u64;
    }
    counts
}

/// Waits until so many requests are counted: a stream is counted after its client has its answer.
pub(crate) fn wait_counted(envoy: &Envoy, count: u64) {
    let total = || requests_by(envoy, "reporter").values().sum::<u64>();
    let reached = until(SOON, || (total() >= count).then_some(()));
    assert!(reached.is_some(), "{} of {count} are counted", total());
    assert_eq!(total(), count, "some are counted twice");
}

/// A client of the listener.
pub(crate) fn client(envoy: &Envoy) -> Client {
    Client::http1(envoy.addr("ours"))
}

#[test]
fn lines_are_read_as_prometheus_reads_them() {
    let page = "m{a=\"1\",b=\"x\\\"y\\\\z\\n\"} 3\nm 4\nmore{} 5\nm{} 6\n";
    let labels = |pairs: &[(&str, &str)]| {
        let owned = pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        owned.collect::<BTreeMap<_, _>>()
    };
    let expected = [
        (labels(&[("a", "1"), ("b", "x\"y\\z\n")]), 3.0),
        (labels(&[]), 4.0),
        (labels(&[]), 6.0),
    ];
    let expected = expected.map(|(labels, value)| Series { labels, value });
    assert_eq!(series(page, "m"), expected);
}
