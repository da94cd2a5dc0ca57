//! The Telemetry objects that Istio's tutorials print, pasted as they are.

use integration::listener::Listener;
use serde_json::{Value, json};

use crate::telemetry_tags::rig::{
    client, labelled, lines, ours, requests_by, start, tag_format, wait_counted,
};
use crate::telemetry_tags::{FILTER, SOON};

fn telemetry(name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "telemetry.istio.io/v1alpha1",
        "kind": "Telemetry",
        "metadata": {"name": name, "namespace": "istio-system"},
        "spec": spec,
    })
}

#[test]
fn a_literal_custom_tag_is_in_the_access_log() {
    let object = telemetry(
        "mesh-default",
        json!({"tracing": [{
            "randomSamplingPercentage": 100.0,
            "customTags": {"my-tag": {"literal": {"value": "123"}}},
        }]}),
    );
    let listener = Listener::new("ours")
        .module(FILTER, &object)
        .log("my-tag", &tag_format("my-tag"));
    let envoy = start(labelled([listener], []));
    client(&envoy).get("/any").send();
    assert_eq!(lines(&envoy, "/any", 1)[0]["my-tag"], "123");
    // The tracer is Envoy's, and the log says so.
    envoy.wait_log(
        "spec.tracing[0].randomSamplingPercentage: changes nothing here",
        SOON,
    );
}

#[test]
fn an_override_that_equals_the_default_counts_and_is_told_of() {
    let object = telemetry(
        "mesh-metrics",
        json!({"metrics": [{
            "providers": [{"name": "prometheus"}],
            "overrides": [{
                "match": {"metric": "REQUEST_COUNT", "mode": "CLIENT_AND_SERVER"},
                "tagOverrides": {"response_code": {"operation": "UPSERT", "value": "response.code"}},
            }],
        }]}),
    );
    let envoy = start(labelled([ours(&object, &[])], []));
    client(&envoy).get("/any").send();
    wait_counted(&envoy, 1);
    assert_eq!(
        requests_by(&envoy, "response_code"),
        [("200".to_owned(), 1)].into()
    );
    envoy.wait_log(
        "changes nothing: `response_code` is `response.code` already",
        SOON,
    );
}

#[test]
fn an_access_log_of_envoys_own_is_left_to_envoy() {
    let object = telemetry(
        "mesh-default",
        json!({"accessLogging": [{"providers": [{"name": "envoy"}]}]}),
    );
    let envoy = start(labelled([ours(&object, &[])], []));
    client(&envoy).get("/any").send();
    assert_eq!(lines(&envoy, "/any", 1)[0]["status"], 200);
    envoy.wait_log("spec.accessLogging: changes nothing here", SOON);
}
