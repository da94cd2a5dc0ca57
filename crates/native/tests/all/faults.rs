//! Envoy's faults as faults of ours.

use crate::common::{converted, refused};
use serde_json::{Value, json};

const TYPE: &str = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";

#[track_caller]
fn faults(fields: Value) -> (Value, Vec<String>) {
    let mut fault = json!({"@type": TYPE});
    fault
        .as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    let mut native = converted(&fault.to_string());
    let losses = native.losses.iter().map(|loss| loss.path.clone()).collect();
    (native.tree["faultInjection"]["http"].take(), losses)
}

#[test]
fn delays_and_aborts() {
    let percentage = json!({"numerator": 25, "denominator": "TEN_THOUSAND"});
    let (http, losses) = faults(json!({
        "delay": {"fixed_delay": "1.500s", "percentage": percentage},
        "abort": {"http_status": 503, "percentage": {"numerator": 300}},
        "headers": [{"name": "End-User", "string_match": {"exact": "jason"}}, {"name": "x-test", "present_match": true, "invert_match": true}],
        "downstream_nodes": ["web", "app"],
        "max_active_faults": 3,
    }));
    assert_eq!(
        http,
        json!([{
            "match": [
                {"headers": {"end-user": {"exact": "jason"}, "x-envoy-downstream-service-node": {"exact": "web"}}, "withoutHeaders": {"x-test": {}}},
                {"headers": {"end-user": {"exact": "jason"}, "x-envoy-downstream-service-node": {"exact": "app"}}, "withoutHeaders": {"x-test": {}}},
            ],
            "fault": {
                "delay": {"fixedDelay": "1500ms", "percentage": percentage},
                "abort": {"httpStatus": 503, "percentage": {"numerator": 100, "denominator": "HUNDRED"}},
            },
            "maxActiveFaults": 3,
        }])
    );
    assert_eq!(losses, Vec::<String>::new());
    let (http, losses) = faults(json!({
        "abort": {"grpc_status": 14, "percentage": {"numerator": 100}}, "delay": {"header_delay": {}},
        "abort_percent_runtime": "x", "response_rate_limit": {"header_limit": {}},
    }));
    assert_eq!(
        http[0]["fault"]["abort"]["grpcStatus"],
        json!("UNAVAILABLE")
    );
    assert_eq!(
        http[0]["fault"]["delay"],
        json!({"headerDelay": {}, "percentage": {"value": 0}})
    );
    assert_eq!(
        losses,
        ["delay", "abort_percent_runtime", "response_rate_limit"]
    );
}

#[test]
fn a_route_has_its_own_faults() {
    let abort = |status: u32, headers: Value| json!({"@type": TYPE, "abort": {"http_status": status, "percentage": {"numerator": 100}}, "headers": headers});
    let native = converted(&json!({
        "http_filters": [{"name": "envoy.filters.http.fault", "typed_config": abort(500, json!([]))}],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            {"name": "one", "match": {"prefix": "/1"}, "typed_per_filter_config": {
                "envoy.filters.http.fault": abort(418, json!([{"name": "x", "present_match": true}])),
            }},
            {"name": "two", "match": {"prefix": "/"}, "typed_per_filter_config": {"envoy.filters.http.fault": {"@type": TYPE}}},
        ]}]},
    }).to_string());
    let http = &native.tree["faultInjection"]["http"];
    let one = json!([{"route": {"exact": "one"}}]);
    assert_eq!(
        http[0]["match"],
        json!([{"route": {"exact": "one"}, "headers": {"x": {}}}])
    );
    assert_eq!(http[1], json!({"match": one}));
    assert_eq!(http[2], json!({"match": [{"route": {"exact": "two"}}]}));
    assert_eq!(http[3]["fault"]["abort"]["httpStatus"], json!(500));
}

#[test]
fn what_is_not_for_these_requests_is_not_injected() {
    let (http, losses) = faults(json!({
        "upstream_cluster": "reviews", "abort": {"http_status": 503, "percentage": {"numerator": 100}},
    }));
    assert_eq!(
        (http, losses),
        (json!(null), vec!["upstream_cluster".to_owned()])
    );
    let two = json!([{"name": "a", "typed_config": {"@type": TYPE}}, {"name": "b", "typed_config": {"@type": TYPE}}]);
    assert!(refused(&two.to_string())[0].contains("second fault filter"));
}
