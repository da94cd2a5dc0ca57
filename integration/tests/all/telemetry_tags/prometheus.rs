//! Debian's Prometheus scrapes Envoy and is asked what it knows.

use std::collections::BTreeMap;
use std::time::Duration;

use integration::client::Client;
use integration::service::Service;
use integration::service::wait::until;
use serde_json::{Value, json};

use crate::telemetry_tags::dashboards::queries;
use crate::telemetry_tags::rig::{client, labelled, ours, start, wait_counted};

/// Prometheus takes five seconds to look at its targets for the first time.
pub(crate) const SCRAPED: Duration = Duration::from_secs(30);

/// What a query yields: labels and values.
pub(crate) fn query(prometheus: &Client, query: &str) -> Vec<(BTreeMap<String, String>, String)> {
    let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let page = prometheus
        .get(&format!("/api/v1/query?query={encoded}"))
        .send()
        .json()
        .unwrap();
    assert_eq!(page["status"], "success", "{page}");
    let results = page["data"]["result"].as_array().unwrap().iter();
    let read = |result: &Value| {
        let labels = serde_json::from_value(result["metric"].clone()).unwrap();
        (labels, result["value"][1].as_str().unwrap().to_owned())
    };
    results.map(read).collect()
}

#[test]
fn a_query_finds_istios_metrics_with_their_labels_and_ours() {
    let config = json!({
        "tags": [
            {"name": "tenant", "header": {"name": "x-tenant", "defaultValue": "nobody"}},
            {"name": "shape", "expression": "request.url_path", "templates": ["/orders/{id}", "/{**}"]},
        ],
        "metrics": [{"overrides": [{
            "match": {"metric": "REQUEST_COUNT"},
            "tagOverrides": {"request_method": {"value": "request.method"}, "source_app": {"operation": "REMOVE"}},
        }]}],
        "reporter": "destination",
    });
    let mut config = labelled([ours(&config, &[])], []);
    let method = json!({"tag_name": "request_method", "regex": r"(\[request_method=([^\]]*)\])"});
    let labels = &mut config.value_mut()["stats_config"]["stats_tags"];
    labels.as_array_mut().unwrap().push(method);
    let envoy = start(config);
    for order in 0..3 {
        let call = client(&envoy).get(&format!("/orders/{order}?x=1"));
        call.header("x-tenant", "acme").send();
    }
    client(&envoy).post("/orders/9", "a body").send();
    wait_counted(&envoy, 4);
    let scrape = json!({"scrape_configs": [{
        "job_name": "envoy",
        "scrape_interval": "1s",
        "metrics_path": "/stats/prometheus",
        "static_configs": [{"targets": [envoy.admin().addr().to_string()]}],
    }]});
    let prometheus = Service::prometheus(&scrape.to_string());
    let asked = Client::http1(prometheus.addr());

    let total = "sum(istio_requests_total)";
    let scraped = until(SCRAPED, || {
        let found = query(&asked, total);
        found.first().filter(|(_, value)| value == "4").map(drop)
    });
    assert!(scraped.is_some(), "{:?}", query(&asked, total));

    let mut found = query(&asked, "istio_requests_total");
    found.sort();
    assert_eq!(found.len(), 2, "{found:?}");
    for (labels, value) in found {
        let (tenant, method) = match value.as_str() {
            "3" => ("acme", "GET"),
            "1" => ("nobody", "POST"),
            other => panic!("{other}: {labels:?}"),
        };
        let expected = [
            ("__name__", "istio_requests_total"),
            ("connection_security_policy", "none"),
            ("reporter", "destination"),
            ("request_method", method),
            ("request_protocol", "http"),
            ("response_code", "200"),
            ("response_flags", "-"),
            ("shape", "/orders/{id}"),
            ("source_workload", "unknown"),
            ("tenant", tenant),
        ];
        for (label, value) in expected {
            assert_eq!(
                labels.get(label).map(String::as_str),
                Some(value),
                "{label}: {labels:?}"
            );
        }
        assert_eq!(labels.get("source_app"), None, "{labels:?}");
    }
    // The panels of the dashboard for a label of one's own.
    let panels: Vec<String> = queries()
        .into_iter()
        .filter(|query| query.contains("by (tenant)"))
        .collect();
    assert_eq!(panels.len(), 2);
    let rates = until(SCRAPED, || {
        let found = query(&asked, &panels[0]);
        let found = found
            .into_iter()
            .map(|(labels, _)| labels["tenant"].clone());
        let mut tenants: Vec<String> = found.collect();
        tenants.sort();
        (tenants == ["acme", "nobody"]).then_some(())
    });
    assert!(rates.is_some(), "{:?}", query(&asked, &panels[0]));
    query(&asked, &panels[1]);
    // A histogram shows after Envoy's next flush, which comes every five seconds.
    for histogram in [
        "istio_request_duration_milliseconds",
        "istio_request_bytes",
        "istio_response_bytes",
    ] {
        let count = format!("sum(round({histogram}_count))");
        let all = until(SCRAPED, || {
            let found = query(&asked, &count);
            found.first().filter(|(_, value)| value == "4").map(drop)
        });
        assert!(all.is_some(), "{count}: {:?}", query(&asked, &count));
    }
    let buckets = query(
        &asked,
        r#"istio_request_bytes_bucket{le="+Inf",tenant="acme"}"#,
    );
    assert_eq!(buckets.len(), 1, "{buckets:?}");
    assert_eq!(buckets[0].1, "3", "{buckets:?}");
    // What is loaded, and that nothing else of ours came up.
    let version = query(&asked, "mesh_filters_telemetry_tags_build_info");
    assert_eq!(version[0].0["version"], env!("CARGO_PKG_VERSION"));
    let up = query(&asked, "up");
    assert_eq!(up[0].1, "1", "Prometheus could not read the page");
}
