//! One stream, written by Envoy itself and by our filter: formats in the access log and in spans, and
//! counts of Envoy's own access logger for statistics beside ours. Two workers serve.

use std::collections::BTreeMap;

use integration::client::{Client, Request};
use integration::envoy::{Capability, Envoy, lacks};
use integration::listener::{Listener, cluster, typed};
use integration::service::spans::Spans;
use integration::service::wait::until;
use integration::upstream::Upstream;
use serde_json::{Value, json};
use telemetry_tags::clean::clean;

use crate::telemetry_tags::SOON;
use crate::telemetry_tags::rig::{labelled, series, start, tag_format, wait_counted};

/// Formats that ours takes, alone and, last, mixed.
const FORMATS: [&str; 31] = [
    "%PROTOCOL%",
    "%RESPONSE_CODE%",
    "%RESPONSE_CODE_DETAILS%",
    "%RESPONSE_FLAGS%",
    "%ROUTE_NAME%",
    "%UPSTREAM_CLUSTER%",
    "%UPSTREAM_HOST%",
    "%UPSTREAM_LOCAL_ADDRESS%",
    "%DOWNSTREAM_REMOTE_ADDRESS%",
    "%DOWNSTREAM_LOCAL_ADDRESS%",
    "%REQUESTED_SERVER_NAME%",
    "%DOWNSTREAM_TLS_VERSION%",
    "%DOWNSTREAM_PEER_URI_SAN%",
    "%DOWNSTREAM_LOCAL_URI_SAN%",
    "%DOWNSTREAM_PEER_SUBJECT%",
    "%CONNECTION_ID%",
    "%GRPC_STATUS_NUMBER%",
    "%REQ(:METHOD)%",
    "%REQ(:PATH)%",
    "%REQ(:authority)%",
    "%REQ(X-Tenant)%",
    "%REQ(x-tenant):3%",
    "%REQ(x-none?x-tenant)%",
    "%REQ(x-none)%",
    "%REQ(user-agent)%",
    "%RESP(x-cache)%",
    "%RESP(x-none?x-cache):2%",
    "%RESP(:status)%",
    "%REQ(:method)% of %REQ(x-tenant)%",
    "code %RESPONSE_CODE% %RESP(x-cache)%",
    "100%% of %REQ(x-none)%",
];

/// Where the mixed ones begin. In a log Envoy writes `-` for a missing part, in a span nothing; ours are
/// Istio's `customTags`, which are for spans.
const MIXED: usize = 28;

fn tags() -> Vec<Value> {
    let tag = |(index, format): (usize, &&str)| json!({"name": format!("f{index}"), "formatter": {"value": format}, "label": false});
    FORMATS.iter().enumerate().map(tag).collect()
}

/// Requests of every kind, by number.
fn request(number: usize) -> Request {
    let method = ["GET", "POST", "OPTIONS", "PUT"][number % 4];
    let path = format!(
        "/{number}/{}",
        ["a", "b?q=1", "c?d=e?f", ""][number % 5 % 4]
    );
    let mut request = match number % 7 {
        6 => Request::grpc(&format!("/shop.Orders/{number}"), b"message"),
        _ => Request::new(method, &path),
    };
    request = request.authority(["shop.example", "SHOP.example:8080"][number % 2]);
    for value in [
        &["acme"][..],
        &[],
        &["a\"b[c]", "second"],
        &["", "x"],
        &["caf\u{e9} \\"],
    ][number % 5]
    {
        request = request.header("x-tenant", value);
    }
    if number.is_multiple_of(3) {
        request = request
            .header("user-agent", "differential")
            .header("x-echo-header", "x-cache=hit");
    }
    if number % 4 == 1 {
        request = request.header("x-echo-status", ["404", "503", "500"][number % 3]);
    }
    if number % 11 == 10 {
        request = request.header("x-nowhere", "yes");
    }
    request
}

/// Some requests find no endpoint, and are answered by Envoy with a flag.
fn routes() -> Vec<Value> {
    let nowhere = json!({"name": "x-nowhere", "present_match": true});
    vec![
        json!({
            "name": "nowhere", "match": {"prefix": "/", "headers": [nowhere]},
            "route": {"cluster": "nowhere"},
        }),
        json!({
            "name": "all", "match": {"prefix": "/"},
            "route": {"cluster": "upstream", "timeout": "0s"},
        }),
    ]
}

fn clusters(upstream: &Upstream) -> [Value; 2] {
    let nowhere = json!({"name": "nowhere", "type": "STATIC", "connect_timeout": "1s"});
    [cluster("upstream", upstream.addr(), true), nowhere]
}

const REQUESTS: usize = 400;

fn send(envoy: &Envoy, count: usize) {
    let client = Client::http2(envoy.addr("ours"));
    let answers = client.burst(count, 8, request);
    assert_eq!(answers.len(), count);
}

/// The text that a field of the log has.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[test]
fn formats_in_the_log_are_what_envoy_writes() {
    let upstream = Upstream::start();
    let mut listener = Listener::new("ours")
        .module(crate::telemetry_tags::FILTER, &json!({"tags": tags()}))
        .routes(routes());
    for (index, format) in FORMATS.iter().enumerate() {
        listener = listener
            .log(&format!("native{index}"), format)
            .log(&format!("ours{index}"), &tag_format(&format!("f{index}")));
    }
    let envoy = start(labelled([listener], clusters(&upstream)));
    send(&envoy, REQUESTS);

    let read = || -> Vec<Value> {
        let log = envoy.log();
        let lines = log
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        lines
            .filter(|line: &Value| line["listener"] == "ours")
            .collect()
    };
    let lines = until(SOON, || {
        Some(read()).filter(|lines| lines.len() >= REQUESTS)
    });
    let lines = lines.unwrap_or_else(|| panic!("{} lines", read().len()));
    let pairs = lines.iter().flat_map(|line| {
        let pair = |(index, format): (usize, &&'static str)| {
            let native = text(&line[format!("native{index}")]);
            let native = native.filter(|native| !native.is_empty());
            (*format, native, text(&line[format!("ours{index}")]))
        };
        FORMATS.iter().enumerate().take(MIXED).map(pair)
    });
    assert_alike(pairs, REQUESTS * 15);
}

/// Asserts that of each format both made the same, and that ours made something `least` times.
fn assert_alike(
    pairs: impl Iterator<Item = (&'static str, Option<String>, Option<String>)>,
    least: usize,
) {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (format, native, ours) in pairs {
        let native = native.map(|native| clean(native.as_bytes()).into_owned());
        seen += usize::from(ours.is_some());
        if native != ours {
            wrong.push(format!("{format}: {native:?}, ours {ours:?}"));
        }
    }
    let first = &wrong[..wrong.len().min(8)];
    assert!(wrong.is_empty(), "{} differ: {first:#?}", wrong.len());
    assert!(seen > least, "{seen} values say nothing");
}

/// Istio's `formatter` of `customTags` is Envoy's formatter for a tag of a span.
#[test]
fn formats_in_spans_are_what_envoy_writes() {
    if lacks(Capability::FormatsInSpans) {
        return;
    }
    let spans = Spans::start();
    let upstream = Upstream::start();
    let names: Vec<(String, String)> = FORMATS
        .iter()
        .enumerate()
        .flat_map(|(index, format)| {
            let ours = tag_format(&format!("f{index}"));
            [
                (format!("native{index}"), (*format).to_owned()),
                (format!("ours{index}"), ours),
            ]
        })
        .collect();
    let names: Vec<(&str, &str)> = names
        .iter()
        .map(|(name, format)| (name.as_str(), format.as_str()))
        .collect();
    let listener = Listener::new("ours")
        .module(
            crate::telemetry_tags::FILTER,
            &json!({"tracing": [{"customTags": custom_tags()}]}),
        )
        .routes(routes())
        .manager("tracing", Spans::tracing(&names));
    let [upstream_cluster, nowhere] = clusters(&upstream);
    let mut config = labelled([listener], [upstream_cluster, nowhere, spans.cluster()]);
    config.value_mut()["layered_runtime"] = Spans::runtime();
    let envoy = start(config);
    send(&envoy, 40);

    let all = until(SOON, || Some(spans.all()).filter(|spans| spans.len() >= 40));
    let all = all.unwrap_or_else(|| panic!("{} spans", spans.all().len()));
    let pairs = all.iter().flat_map(|span| {
        let tag = |name: String| span.tag(&name).map(str::to_owned);
        let pair = move |(index, format): (usize, &&'static str)| {
            let (native, ours) = (tag(format!("native{index}")), tag(format!("ours{index}")));
            (*format, native, ours)
        };
        FORMATS.iter().enumerate().map(pair)
    });
    let in_time = pairs.filter(|(format, ..)| !comes_too_late(format));
    assert_alike(in_time, 40 * 10);
}

fn custom_tags() -> Value {
    let tags = tags().into_iter().map(|tag| {
        let name = tag["name"].as_str().unwrap().to_owned();
        (name, json!({"formatter": tag["formatter"]}))
    });
    Value::Object(tags.collect())
}

/// A module's state reaches a span while the stream goes on, and these are known at its end.
fn comes_too_late(format: &str) -> bool {
    ["RESPONSE_FLAGS", "GRPC_STATUS_NUMBER"]
        .iter()
        .any(|late| format.contains(late))
}

/// Counts, with labels of request and answer, by both.
#[test]
fn counts_are_those_of_envoys_own_statistics() {
    if lacks(Capability::StatsAccessLogger) {
        return;
    }
    let formats = [
        ("response_code", "%RESPONSE_CODE%"),
        ("response_flags", "%RESPONSE_FLAGS%"),
        ("method", "%REQ(:METHOD)%"),
        ("shape", "%REQ(:PATH)%"),
        ("tenant", "%REQ(X-TENANT)%"),
    ];
    let native: Vec<Value> = formats
        .iter()
        .map(|(name, format)| json!({"name": name, "value_format": format}))
        .collect();
    let logger = typed(
        "envoy.extensions.access_loggers.stats.v3.Config",
        json!({
            "stat_prefix": "native",
            "counters": [{"stat": {"name": "requests_total", "tags": native}, "value_fixed": 1}],
        }),
    );
    let config = json!({
        "labels": ["response_code", "response_flags"],
        "tags": [
            {"name": "tenant", "header": {"name": "x-tenant"}, "maxValues": 1000},
            {"name": "shape", "expression": "request.path", "maxValues": 1000},
        ],
        "metrics": [{"overrides": [
            {"match": {"metric": "REQUEST_COUNT"}, "tagOverrides": {"method": {"value": "request.method"}}},
        ]}],
    });
    let upstream = Upstream::start();
    let listener = Listener::new("ours")
        .module(crate::telemetry_tags::FILTER, &config)
        .routes(routes())
        .manager(
            "access_log",
            json!([{"name": "stats", "typed_config": logger}]),
        );
    let mut config = labelled([listener], clusters(&upstream));
    let method = json!({"tag_name": "method", "regex": r"(\[method=([^\]]*)\])"});
    let tags = &mut config.value_mut()["stats_config"]["stats_tags"];
    tags.as_array_mut().unwrap().push(method);
    let envoy = start(config);
    // The same requests again and again, so that counts grow and not only series.
    let client = Client::http2(envoy.addr("ours"));
    let answers = client.burst(2_000, 8, |number| request(number % 120));
    assert_eq!(answers.len(), 2_000);
    wait_counted(&envoy, 2_000);

    let page = envoy.admin().prometheus();
    let ours = counted(&page, "istio_requests_total", formats);
    let native = counted(&page, "envoy_native_requests_total", formats);
    assert!(ours.len() > 50, "{ours:?}");
    assert_eq!(ours, native);
}

/// Counts by the values of labels, in the spelling that both have in common.
fn counted(page: &str, metric: &str, labels: [(&str, &str); 5]) -> BTreeMap<Vec<String>, u64> {
    let mut counts = BTreeMap::new();
    for series in series(page, metric) {
        let value = |(label, _): (&str, &str)| {
            let value = series.labels.get(label).cloned().unwrap_or_default();
            let value = clean(value.as_bytes()).into_owned();
            // Envoy writes `-` where there is nothing; so do flags.
            if label == "response_flags" || value != "-" {
                value
            } else {
                String::new()
            }
        };
        *counts.entry(labels.map(value).to_vec()).or_default() += series.value as u64;
    }
    counts
}

/// Durations: as many samples of ours as Envoy itself has, and no longer.
#[test]
fn durations_are_those_of_envoys_own_statistics() {
    if lacks(Capability::StatsAccessLogger) {
        return;
    }
    let logger = typed(
        "envoy.extensions.access_loggers.stats.v3.Config",
        json!({
            "stat_prefix": "native",
            "histograms": [{
                "stat": {"name": "duration", "tags": []},
                "unit": "Milliseconds", "value_format": "%DURATION%",
            }],
        }),
    );
    let upstream = Upstream::start();
    let listener = Listener::new("ours")
        .module(
            crate::telemetry_tags::FILTER,
            &json!({"labels": ["reporter"], "metrics": [{}]}),
        )
        .to("upstream")
        .manager(
            "access_log",
            json!([{"name": "stats", "typed_config": logger}]),
        );
    let envoy = start(labelled([listener], clusters(&upstream)));
    let client = Client::http2(envoy.addr("ours"));
    client.burst(200, 8, |number| {
        Request::get("/").header("x-echo-delay-ms", (number % 4 * 10).to_string())
    });
    wait_counted(&envoy, 200);
    let buckets = |metric: &str| -> BTreeMap<String, u64> {
        let found = series(&envoy.admin().prometheus(), &format!("{metric}_bucket"));
        let bucket = |series: crate::telemetry_tags::rig::Series| {
            (series.labels["le"].clone(), series.value as u64)
        };
        found.into_iter().map(bucket).collect()
    };
    let same = || {
        let ours = buckets("istio_request_duration_milliseconds");
        let native = buckets("envoy_native_duration");
        let all = ours.get("+Inf") == Some(&200) && native.get("+Inf") == Some(&200);
        all.then_some((ours, native))
    };
    let (ours, native) = until(SOON, same).expect("a flush of histograms");
    assert_eq!(ours, native);
}
