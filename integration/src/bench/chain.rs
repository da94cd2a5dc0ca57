//! A scenario as Envoy reads it: a listener for each variant, all of them answering by themselves.

use serde_json::{Value, json};

use super::module::Module;
use super::scenario::{Scenario, Variant};
use crate::envoy::Config;
use crate::listener::typed;

/// One Envoy with all variants of a scenario.
pub fn config(scenario: &Scenario) -> Config {
    with_variants(scenario, &scenario.variants.iter().collect::<Vec<_>>())
}

/// One Envoy with some variants of a scenario.
pub fn with_variants(scenario: &Scenario, variants: &[&Variant]) -> Config {
    let listeners: Vec<Value> = variants.iter().map(|variant| listener(variant)).collect();
    Config::from_value(json!({"static_resources": {
        "listeners": listeners,
        "clusters": scenario.clusters,
    }}))
}

fn listener(variant: &Variant) -> Value {
    let mut filters: Vec<Value> = variant
        .http_filters
        .iter()
        .enumerate()
        .map(|(index, filter)| match Module::read(filter) {
            Some(Ok(module)) => wasm(&module, &format!("{}-{index}", variant.name)),
            // What is written wrongly was refused when the scenario was read.
            Some(Err(_)) | None => filter.clone(),
        })
        .collect();
    let router = typed("envoy.extensions.filters.http.router.v3.Router", json!({}));
    filters.push(json!({"name": "envoy.filters.http.router", "typed_config": router}));
    let manager = typed(
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        json!({
            "stat_prefix": variant.name,
            "codec_type": "HTTP1",
            "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [{
                "match": {"prefix": "/"},
                "direct_response": {"status": 200},
                "typed_per_filter_config": variant.per_route,
            }]}]},
            "http_filters": filters,
        }),
    );
    json!({
        "name": variant.name,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        // A thousand connections come at once.
        "tcp_backlog_size": 4096,
        "filter_chains": [{"filters": [
            {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager},
        ]}],
    })
}

/// A filter of ours, in a VM that it shares with no other variant.
fn wasm(module: &Module, vm_id: &str) -> Value {
    let name = module.name();
    let filter = typed(
        "envoy.extensions.filters.http.wasm.v3.Wasm",
        json!({"config": {
            "name": name,
            "root_id": name,
            "failure_policy": "FAIL_CLOSED",
            "vm_config": {
                "vm_id": vm_id,
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": module.path()}},
            },
            "configuration": typed(
                "google.protobuf.Struct",
                json!({"value": module.configuration}),
            ),
        }}),
    );
    json!({"name": name, "typed_config": filter})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::files;

    #[test]
    fn each_variant_is_a_listener_whose_chain_ends_with_the_router() {
        for scenario in files::all().unwrap() {
            let config = config(&scenario);
            let listeners = config.value()["static_resources"]["listeners"].clone();
            let listeners = listeners.as_array().unwrap();
            assert_eq!(listeners.len(), scenario.variants.len());
            for (listener, variant) in listeners.iter().zip(&scenario.variants) {
                let manager = &listener["filter_chains"][0]["filters"][0]["typed_config"];
                let filters = manager["http_filters"].as_array().unwrap();
                assert_eq!(filters.len(), variant.http_filters.len() + 1);
                assert_eq!(filters.last().unwrap()["name"], "envoy.filters.http.router");
                assert!(filters.iter().all(|filter| filter.get("wasm").is_none()));
            }
        }
    }
}
