//! Messages of gRPC streams, as Envoy's `grpc_stats` filter counts them.

use integration::client::{Client, Request, frame};
use integration::listener::cluster;
use integration::upstream::{Answer, Upstream};
use serde_json::json;

use crate::telemetry_tags::rig::{labelled, series, start, wait_counted};

use integration::listener::Listener;

#[test]
fn messages_are_counted_with_the_labels_that_istio_gives_them() {
    let upstream = Upstream::with(|_| {
        let messages: Vec<u8> = (0..5_u8).flat_map(|n| frame(&[n])).collect();
        Answer::status(200)
            .header("content-type", "application/grpc")
            .body(messages)
            .trailer("grpc-status", "7")
    });
    let stats = json!({"emit_filter_state": true, "stats_for_all_methods": false});
    let config = json!({
        "tags": [
            {"name": "tenant", "header": {"name": "x-tenant"}},
            {"name": "status", "formatter": {"value": "%GRPC_STATUS_NUMBER%"}, "label": false},
        ],
        "metrics": [{}],
    });
    let listener = Listener::new("ours")
        .filter("grpc_stats", "grpc_stats.v3.FilterConfig", stats)
        .module(crate::telemetry_tags::FILTER, &config)
        .log("status", &crate::telemetry_tags::rig::tag_format("status"))
        .to("upstream");
    let envoy = start(labelled(
        [listener],
        [cluster("upstream", upstream.addr(), true)],
    ));

    let messages: Vec<u8> = (0..3_u8).flat_map(|n| frame(&[n])).collect();
    let call = Request::grpc("/shop.Orders/List", b"")
        .body(messages)
        .header("x-tenant", "acme");
    let answer = Client::http2(envoy.addr("ours")).send(call);
    assert_eq!(answer.grpc_status(), Some(7));
    wait_counted(&envoy, 1);

    let page = envoy.admin().prometheus();
    let only = |metric: &str| {
        let found = series(&page, metric);
        assert_eq!(found.len(), 1, "{metric}: {found:?}");
        found.into_iter().next().unwrap()
    };
    let requests = only("istio_requests_total");
    for (label, value) in [
        ("request_protocol", "grpc"),
        ("grpc_response_status", "7"),
        ("response_code", "200"),
        ("tenant", "acme"),
    ] {
        assert_eq!(requests.labels[label], value, "{requests:?}");
    }
    for (metric, count) in [
        ("istio_request_messages_total", 3.0),
        ("istio_response_messages_total", 5.0),
    ] {
        let messages = only(metric);
        assert_eq!(messages.value, count, "{messages:?}");
        assert_eq!(messages.labels["tenant"], "acme");
        // What is only known at the end of a stream is no label of what is counted on its way.
        for late in ["request_protocol", "response_code", "grpc_response_status"] {
            assert_eq!(messages.labels.get(late), None, "{messages:?}");
        }
    }
    let line = &crate::telemetry_tags::rig::lines(&envoy, "/shop.Orders/List", 1)[0];
    assert_eq!(line["status"], "7", "{line}");
}
