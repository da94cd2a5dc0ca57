//! Who is on the other side, as Istio's filters and istiod leave it for ours in a real Envoy.

use std::collections::BTreeMap;

use integration::listener::{Listener, cluster};
use integration::upstream::Upstream;
use prost::Message as _;
use prost_types::{Struct, Value as Proto, value::Kind};
use serde_json::{Value, json};

use crate::telemetry_tags::rig::{client, labelled, series, start, wait_counted};

/// A native filter that leaves what Istio's peer metadata filter leaves: a serialized Struct.
fn leaves(key: &str, fields: &[(&str, &str)]) -> Value {
    let value = |text: &str| Proto {
        kind: Some(Kind::StringValue(text.to_owned())),
    };
    let fields = fields
        .iter()
        .map(|(name, text)| ((*name).to_owned(), value(text)));
    let object = Struct {
        fields: fields.collect(),
    };
    // Short texts of ASCII serialize to a text.
    let text = String::from_utf8(object.encode_to_vec()).unwrap();
    json!({"on_request_headers": [{
        "object_key": key,
        "factory_key": "envoy.string",
        "format_string": {"text_format_source": {"inline_string": text}},
    }]})
}

/// The labels of the one series of requests.
fn labels(listener: Listener, clusters: Vec<Value>) -> BTreeMap<String, String> {
    let envoy = start(labelled([listener], clusters));
    assert_eq!(client(&envoy).get("/").send().status, 200);
    wait_counted(&envoy, 1);
    let mut found = series(&envoy.admin().prometheus(), "istio_requests_total");
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0).labels
}

#[track_caller]
fn assert_has(labels: &BTreeMap<String, String>, expected: &[(&str, &str)]) {
    for (label, value) in expected {
        let found = labels.get(*label).map(String::as_str);
        assert_eq!(found, Some(*value), "{label}: {labels:?}");
    }
}

#[test]
fn a_server_names_the_peer_that_the_metadata_exchange_found() {
    let peer = [
        ("workload", "productpage-v1"),
        ("namespace", "bookinfo"),
        ("service", "productpage"),
        ("revision", "v1"),
        ("app", "productpage"),
        ("version", "v1"),
        ("cluster", "east"),
    ];
    let config = json!({"metrics": [{}], "reporter": "destination"});
    let listener = Listener::new("ours")
        .filter(
            "set_filter_state",
            "set_filter_state.v3.Config",
            leaves("downstream_peer", &peer),
        )
        .module(crate::telemetry_tags::FILTER, &config);
    assert_has(
        &labels(listener, vec![]),
        &[
            ("reporter", "destination"),
            ("source_workload", "productpage-v1"),
            ("source_workload_namespace", "bookinfo"),
            ("source_canonical_service", "productpage"),
            ("source_canonical_revision", "v1"),
            ("source_app", "productpage"),
            ("source_version", "v1"),
            ("source_cluster", "east"),
            ("source_principal", "unknown"),
            ("connection_security_policy", "none"),
        ],
    );
}

#[test]
fn a_client_names_service_and_workload_by_what_istiod_writes_beside_them() {
    let upstream = Upstream::start();
    let mut service = cluster("outbound|9080||reviews", upstream.addr(), false);
    service["metadata"] = json!({"filter_metadata": {"istio": {"services": [{
        "host": "reviews.bookinfo.svc.cluster.local", "name": "reviews", "namespace": "bookinfo",
    }]}}});
    service["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["metadata"] = json!({
        "filter_metadata": {"istio": {"workload": "reviews-v2;bookinfo;reviews;v2;east"}},
    });
    let config = json!({"metrics": [{}]});
    let listener = Listener::new("ours")
        .module(crate::telemetry_tags::FILTER, &config)
        .to("outbound|9080||reviews");
    assert_has(
        &labels(listener, vec![service]),
        &[
            ("reporter", "source"),
            ("destination_service", "reviews.bookinfo.svc.cluster.local"),
            ("destination_service_name", "reviews"),
            ("destination_service_namespace", "bookinfo"),
            ("destination_workload", "reviews-v2"),
            ("destination_workload_namespace", "bookinfo"),
            ("destination_canonical_service", "reviews"),
            ("destination_canonical_revision", "v2"),
            ("destination_cluster", "east"),
            ("destination_principal", "unknown"),
            ("connection_security_policy", "unknown"),
        ],
    );
}

#[test]
fn a_waypoint_names_the_endpoint_by_its_object() {
    let endpoint = [
        ("workload", "ratings-v1"),
        ("namespace", "default"),
        ("identity", "spiffe://cluster.local/ns/default/sa/ratings"),
    ];
    let config = json!({"metrics": [{}], "reporter": "waypoint"});
    let listener = Listener::new("ours")
        .filter(
            "set_filter_state",
            "set_filter_state.v3.Config",
            leaves("upstream_peer", &endpoint),
        )
        .module(crate::telemetry_tags::FILTER, &config);
    assert_has(
        &labels(listener, vec![]),
        &[
            ("reporter", "waypoint"),
            ("destination_workload", "ratings-v1"),
            ("destination_workload_namespace", "default"),
            (
                "destination_principal",
                "spiffe://cluster.local/ns/default/sa/ratings",
            ),
            ("destination_service", "unknown"),
            ("source_workload", "unknown"),
        ],
    );
}
