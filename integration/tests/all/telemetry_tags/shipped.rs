//! The files that people copy: `envoy-configs/local/telemetry-tags.yaml` as it is, and
//! `envoy-configs/istio/telemetry-tags.yaml` put into a sidecar as istiod would.

use integration::client::Client;
use integration::demo::Shipped;
use integration::envoy::{Capability, Config, Envoy, lacks};
use integration::service::spans::Spans;
use integration::upstream::Upstream;
use istio::base::sidecar_inbound;
use istio::{Context, EnvoyFilter, Proxy, apply};
use serde_json::Value;

use crate::telemetry_tags::SOON;
use crate::telemetry_tags::rig::{SHIPPED, requests_by, series, start};

/// The local file with free ports and our collector in place of Zipkin, and its own text otherwise.
fn local(spans: &Spans) -> Envoy {
    let file = Shipped::read(SHIPPED).any_ports();
    file.endpoint(9411, spans.addr()).envoy().start()
}

#[test]
fn the_local_file_logs_counts_and_traces() {
    if lacks(Capability::FormatsInSpans) {
        return;
    }
    let spans = Spans::start();
    let envoy = local(&spans);
    let client = Client::http1(envoy.addr("ingress"));

    // Zipkin's tracer sends five spans at a time.
    for order in 0..5 {
        let call = client.get(&format!("/orders/{order}/items"));
        assert_eq!(call.header("x-tenant", "acme").send().status, 200);
    }
    client.get("/somewhere").header("x-tenant", "a\"]b").send();

    let line = envoy.wait_log("GET /orders/4/items 200 ", SOON);
    let promised = "route=/orders/{id}/items tenant=acme class=good";
    assert!(Shipped::read(SHIPPED).text().contains(promised));
    assert!(line.ends_with(promised), "{line}");
    let line = envoy.wait_log("GET /somewhere 200 ", SOON);
    assert!(
        line.ends_with("route=/{**} tenant=a__b class=good"),
        "{line}"
    );
    let span = spans.wait(SOON, |span| span.tag("route") == Some("/orders/{id}/items"));
    let span = span.unwrap_or_else(|| panic!("{:#?}", spans.all()));
    for (tag, value) in [("my-tag", "123"), ("tenant", "acme"), ("class", "good")] {
        assert_eq!(span.tag(tag), Some(value), "{span:?}");
    }
    let counted = requests_by(&envoy, "tenant");
    assert_eq!(
        counted,
        [("acme".to_owned(), 5), ("a__b".to_owned(), 1)].into()
    );
    // All 25 labels are labels, and the name keeps none of them.
    let page = envoy.admin().prometheus();
    for series in series(&page, "istio_requests_total") {
        assert_eq!(series.labels["reporter"], "source");
        assert!(series.labels["route"].starts_with('/'));
        assert_eq!(series.labels["response_code"], "200");
    }
    let odd: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("istio_") && !line.starts_with("istio_requests_total{"))
        .filter(|line| !line.starts_with("istio_request_duration_milliseconds_"))
        .collect();
    assert_eq!(odd, [""; 0]);
}

/// An inbound sidecar of a workload, with the module from `dist/`.
fn sidecar(app: &str, upstream: &Upstream) -> (Vec<String>, Value) {
    let file = Shipped::read("envoy-configs/istio/telemetry-tags.yaml");
    let filters = EnvoyFilter::parse_all(file.text()).unwrap();
    let warnings: Vec<_> = filters.iter().flat_map(|filter| &filter.warnings).collect();
    assert_eq!(warnings, [""; 0]);
    let proxy = Proxy::new(Context::SidecarInbound, "default").label("app", app);
    let rendered = apply(sidecar_inbound(9080, upstream.addr()), &filters, &proxy).unwrap();
    assert_eq!(rendered.notes, [""; 0]);
    let text = rendered.bootstrap.to_string();
    let there = text.replace("/var/lib/mesh-filters/", "dist/");
    (rendered.applied, serde_json::from_str(&there).unwrap())
}

fn manager(bootstrap: &mut Value) -> &mut Value {
    let manager = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
    bootstrap.pointer_mut(manager).unwrap()
}

#[test]
fn the_istio_file_tags_the_spans_of_a_sidecar() {
    if lacks(Capability::FormatsInSpans) {
        return;
    }
    let upstream = Upstream::start();
    let spans = Spans::start();
    let (applied, mut bootstrap) = sidecar("productpage", &upstream);
    assert_eq!(applied.len(), 2, "{applied:?}");
    // As Istio's Telemetry would set the provider; the tags are the patch's.
    let provider = Spans::tracing(&[])["provider"].clone();
    let tracing = &mut manager(&mut bootstrap)["tracing"];
    assert_eq!(tracing["custom_tags"].as_array().unwrap().len(), 3);
    tracing["provider"] = provider;
    bootstrap["static_resources"]["clusters"]
        .as_array_mut()
        .unwrap()
        .push(spans.cluster());
    bootstrap["layered_runtime"] = Spans::runtime();
    let listener = bootstrap["static_resources"]["listeners"][0]["name"].clone();
    let envoy = start(Config::from_value(bootstrap));

    let client = Client::http1(envoy.addr(listener.as_str().unwrap()));
    let call = client.get("/reviews/7?full=1").header("x-tenant", "acme");
    assert_eq!(call.send().status, 200);

    let span = spans.wait(SOON, |span| span.tag("my-tag") == Some("123"));
    let span = span.unwrap_or_else(|| panic!("{:#?}", spans.all()));
    assert_eq!(span.tag("route"), Some("/reviews/{id}"));
    assert_eq!(span.tag("tenant"), Some("acme"));
}

#[test]
fn other_workloads_get_nothing() {
    let (applied, mut bootstrap) = sidecar("details", &Upstream::start());
    assert_eq!(applied, [""; 0]);
    assert!(manager(&mut bootstrap)["tracing"]["custom_tags"].is_null());
}
