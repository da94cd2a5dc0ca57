//! What a mesh tells of itself: spans at a collector, lines of access logs, and metrics, on the objects as printed.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use integration::client::Client;
use integration::mesh::{Mesh, Replica};
use integration::service::Service;
use integration::service::otlp::Otlp;
use integration::service::spans::Spans;
use integration::service::wait::until;

use serde_json::json;

use super::rows::{ask, ask_often, get, is_likely};

const SOON: Duration = Duration::from_secs(30);
/// Where OpenTelemetry's spans go over HTTP.
const TRACES: &str = "/v1/traces";
const REVIEWS: &str = "reviews:9080";

/// The object as the tutorial prints it, but for how many requests it is of.
fn tagged(percent: u8) -> String {
    format!(
        "apiVersion: telemetry.istio.io/v1alpha1
kind: Telemetry
metadata: {{name: mesh-default, namespace: istio-system}}
spec:
  tracing:
  - randomSamplingPercentage: {percent}.0
    customTags: {{my-tag: {{literal: {{value: \"123\"}}}}}}
"
    )
}

/// Where a collector is that nobody names.
fn collector(address: SocketAddr) -> String {
    format!(
        "kind: MeshConfig\ndefaultConfig: {{tracing: {{zipkin: {{address: \"{address}\"}}}}}}\n"
    )
}

#[test]
fn spans_have_the_tag_and_come_as_often_as_asked() {
    let spans = Spans::start();
    let mesh = Mesh::of(
        &["bookinfo"],
        &[
            ("telemetry", &tagged(100)),
            ("config", &collector(spans.addr())),
        ],
        &[],
    );
    let page = mesh.from("productpage-v1");
    ask(&page, REVIEWS, "/reviews/0");
    // One of the caller's sidecar and one of the called one, each with the tag.
    let of = |service: &'static str| {
        spans.wait(SOON, move |span| {
            span.tag("istio.canonical_service") == Some(service) && span.tag("my-tag").is_some()
        })
    };
    for service in ["productpage", "reviews"] {
        let span = of(service).unwrap_or_else(|| panic!("no span of {service}: {:?}", spans.all()));
        assert_eq!(span.tag("my-tag"), Some("123"));
        assert_eq!(span.tag("istio.namespace"), Some("default"));
        assert_eq!(span.tag("http.status_code"), Some("200"));
    }

    mesh.apply("telemetry", &tagged(10));
    let before = traces(&spans);
    let count = 1_000;
    ask_often(&page, count, &get(REVIEWS, "/reviews/0"));
    // A tracer sends five spans at once, so these, which are traced because their client says so, push all others out.
    let last = |index: u8| format!("{index:016x}");
    for index in 1..=5 {
        let request = get(REVIEWS, "/reviews/0").header("x-b3-traceid", last(index));
        page.send(
            request
                .header("x-b3-spanid", "1".repeat(16))
                .header("x-b3-sampled", "1"),
        );
    }
    let all = until(SOON, || {
        Some(traces(&spans)).filter(|all| all.contains(&last(5)))
    });
    let all = all.unwrap_or_else(|| panic!("no span of the last request: {:?}", traces(&spans)));
    let traced = all.difference(&before).count() - 5;
    assert!(is_likely(traced, count, 0.1), "{traced} of {count}");
}

#[test]
fn opentelemetry_gets_spans_over_grpc_and_over_http() {
    let collector = Otlp::start();
    let port = collector.addr().port();
    let config = format!(
        "kind: MeshConfig
extensionProviders:
- name: by-grpc
  opentelemetry: {{service: 127.0.0.1, port: {port}}}
- name: by-http
  opentelemetry: {{service: 127.0.0.1, port: {port}, http: {{path: {TRACES}, timeout: 5s}}}}
"
    );
    let telemetry = |provider: &str| {
        format!(
            "apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {{name: mesh-default, namespace: istio-system}}
spec:
  tracing:
  - providers: [{{name: {provider}}}]
    randomSamplingPercentage: 100.0
    customTags: {{my-tag: {{literal: {{value: {provider}}}}}}}
"
        )
    };
    let own = [("telemetry", telemetry("by-grpc")), ("config", config)];
    let own = own.each_ref().map(|(name, text)| (*name, text.as_str()));
    let mesh = Mesh::of(&["bookinfo"], &own, &[]);
    for (provider, by_grpc) in [("by-grpc", true), ("by-http", false)] {
        if !by_grpc {
            mesh.apply("telemetry", &telemetry(provider));
        }
        ask_often(
            &mesh.from("productpage-v1"),
            20,
            &get(REVIEWS, "/reviews/0"),
        );
        for service in ["productpage.default", "reviews.default"] {
            let span = collector.wait(TRACES, SOON, |span| {
                span.service == service && span.attribute("my-tag") == Some(provider)
            });
            let all = || collector.all(TRACES);
            let span = span.unwrap_or_else(|| panic!("no span of {service}: {:?}", all()));
            assert_eq!(span.by_grpc, by_grpc, "{span:?}");
            assert_eq!(span.attribute("istio.namespace"), Some("default"));
            assert_eq!(span.attribute("http.status_code"), Some("200"));
        }
    }
}

/// The traces that the caller's sidecar has sent spans of.
fn traces(spans: &Spans) -> BTreeSet<String> {
    let all = spans.all().into_iter();
    let own = all.filter(|span| span.tag("istio.canonical_service") == Some("productpage"));
    own.map(|span| span.trace().to_owned()).collect()
}

#[test]
fn every_request_is_a_line_in_istios_own_format() {
    let printed = "apiVersion: telemetry.istio.io/v1alpha1
kind: Telemetry
metadata: {name: mesh-default, namespace: istio-system}
spec:
  accessLogging: [{providers: [{name: envoy}]}]
";
    let mesh = Mesh::of(&["bookinfo"], &[("telemetry", printed)], &[]);
    let page = mesh.from("productpage-v1");
    let request = get(REVIEWS, "/reviews/7?a=b").header("user-agent", "reader");
    for _ in 0..3 {
        assert_eq!(page.send(request.clone()).status, 200);
    }
    let caller = lines(&mesh.replica("productpage-v1"), "/reviews/7", 3);
    for line in &caller {
        assert!(line.starts_with('['), "{line}");
        assert!(
            line.contains("\"GET /reviews/7?a=b HTTP/1.1\" 200 - via_upstream - \"-\" "),
            "{line}"
        );
        assert!(line.contains("\"reader\""), "{line}");
        assert!(
            line.contains(" outbound|9080||reviews.default.svc.cluster.local "),
            "{line}"
        );
    }
    let called = || {
        let versions = ["reviews-v1", "reviews-v2", "reviews-v3"];
        let found = versions.map(|name| found(&mesh.replica(name), "/reviews/7").len());
        found.iter().sum::<usize>()
    };
    let called = until(SOON, || Some(called()).filter(|now| *now >= 3)).unwrap_or_else(called);
    assert_eq!(called, 3);

    // What asks for errors alone logs nothing of those that are well.
    let errors = printed.replace(
        "providers:",
        "filter: {expression: \"response.code >= 400\"}, providers:",
    );
    mesh.apply("telemetry", &errors);
    let bad = get(REVIEWS, "/status/503?marked");
    let good = get(REVIEWS, "/reviews/8");
    page.send(good);
    page.send(bad);
    lines(&mesh.replica("productpage-v1"), "/status/503?marked", 1);
    assert_eq!(
        found(&mesh.replica("productpage-v1"), "/reviews/8"),
        [""; 0]
    );
}

/// The lines of a replica's log with this in them, once there are so many.
#[track_caller]
fn lines(replica: &Replica, part: &str, count: usize) -> Vec<String> {
    let there = until(SOON, || {
        let found = found(replica, part);
        (found.len() >= count).then_some(found)
    });
    let there = there.unwrap_or_else(|| panic!("no {count} lines with {part} in {replica:?}"));
    assert_eq!(there.len(), count, "{there:?}");
    there
}

fn found(replica: &Replica, part: &str) -> Vec<String> {
    let folder = replica.folder.as_ref().expect("a sidecar");
    let text = fs::read_to_string(folder.join("access.log")).unwrap_or_default();
    let lines = text.lines().filter(|line| line.contains(part));
    lines.map(str::to_owned).collect()
}

#[test]
fn metrics_are_istios_with_what_is_changed_of_them() {
    let changed = "apiVersion: telemetry.istio.io/v1alpha1
kind: Telemetry
metadata: {name: mesh-metrics, namespace: istio-system}
spec:
  metrics:
  - providers: [{name: prometheus}]
    overrides:
    - match: {metric: REQUEST_COUNT, mode: CLIENT_AND_SERVER}
      tagOverrides:
        response_code: {operation: UPSERT, value: response.code}
        method: {operation: UPSERT, value: request.method}
        response_flags: {operation: REMOVE}
    - match: {metric: REQUEST_DURATION}
      disabled: true
";
    let mesh = Mesh::of(&["bookinfo"], &[("telemetry", changed)], &[]);
    let page = mesh.from("productpage-v1");
    for _ in 0..5 {
        assert_eq!(ask(&page, "details:9080", "/details/0").status, 200);
    }
    let admin = mesh.replica("productpage-v1").admin.expect("an Envoy");
    let scrape = json!({"scrape_configs": [{
        "job_name": "mesh",
        "scrape_interval": "1s",
        "metrics_path": "/stats/prometheus",
        "static_configs": [{"targets": [admin.to_string()]}],
    }]});
    let prometheus = Service::prometheus(&scrape.to_string());
    let client = Client::http1(prometheus.addr());
    let series = |query: &str| {
        let path = format!("/api/v1/query?query={query}");
        let answer = client.get(&path).send().json().unwrap();
        answer.pointer("/data/result").cloned().unwrap_or_default()
    };
    let counted = until(SOON, || {
        let all = series("istio_requests_total");
        all.get(0).filter(|one| one["value"][1] == "5").cloned()
    });
    let counted = counted.unwrap_or_else(|| panic!("{}", series("istio_requests_total")));
    let label = |name: &str| counted["metric"][name].as_str();
    for (name, expected) in [
        ("reporter", "source"),
        ("source_workload", "productpage-v1"),
        ("source_app", "productpage"),
        ("destination_workload", "details-v1"),
        ("destination_service_name", "details"),
        ("response_code", "200"),
        ("method", "GET"),
    ] {
        assert_eq!(label(name), Some(expected), "{name}: {counted}");
    }
    // What is taken away is not there, and neither is the metric that is turned off.
    assert_eq!(label("response_flags"), None);
    assert_ne!(series("istio_request_bytes_count"), json!([]));
    assert_eq!(
        series("istio_request_duration_milliseconds_count"),
        json!([])
    );
}
