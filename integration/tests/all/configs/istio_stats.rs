//! The statistics of a sidecar: what Istio's agent writes into its bootstrap, and the ConfigMap of
//! ours that adds labels to it.

use integration::demo::Shipped;
use serde_json::{Value, json};

/// What Istio includes by itself: our counters are among them, since all of wasm is.
const PREFIXES: [&str; 7] = [
    "reporter=",
    "cluster_manager",
    "listener_manager",
    "server",
    "cluster.xds-grpc",
    "wasm",
    "component",
];

/// `stats_config` as the agent makes it of `proxyStatsMatcher.inclusionPrefixes` and `extraStatTags`.
pub(super) fn config(prefixes: &[&str], extra: &[&str]) -> Value {
    let mut tags = vec![
        json!({"tag_name": "cluster_name", "regex": r"^cluster\.((.+?(\..+?\.svc\.cluster\.local)?)\.)"}),
        json!({"tag_name": "response_code", "regex": r"_rq(_(\d{3}))$"}),
        json!({"tag_name": "http_conn_manager_prefix", "regex": r"^http\.(((?:[_.[:digit:]]*|[_\[\]aAbBcCdDeEfF[:digit:]]*))\.)"}),
        json!({"tag_name": "component", "regex": r"(component\.(.+?)\.)"}),
    ];
    tags.extend(
        extra
            .iter()
            .map(|tag| json!({"tag_name": tag, "regex": format!(r"({tag}=\.=(.*?);\.;)")})),
    );
    let patterns: Vec<Value> = PREFIXES
        .iter()
        .chain(prefixes)
        .map(|prefix| json!({ "prefix": prefix }))
        .collect();
    json!({
        "use_all_default_tags": false,
        "stats_tags": tags,
        "stats_matcher": {"inclusion_list": {"patterns": patterns}},
    })
}

/// The name of the ConfigMap that we ship, and the text in it.
pub(super) fn labels() -> (String, String) {
    let file = Shipped::read("envoy-configs/istio/all-labels.yaml");
    let map: Value = serde_saphyr::from_str(file.text()).unwrap();
    assert_eq!(map["kind"], "ConfigMap");
    let text = map["data"]["custom_bootstrap.json"].as_str().unwrap();
    let name = map["metadata"]["name"].as_str().unwrap();
    (name.to_owned(), text.to_owned())
}
