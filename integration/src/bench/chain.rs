//! A scenario as Envoy reads it: a listener for each variant, all of them answering by themselves.

use serde_json::{Value, json};

use super::module::Module;
use super::peer::{self, Peer};
use super::repeat;
use super::scenario::{Scenario, Variant};
use crate::envoy::Config;
use crate::listener::typed;
use crate::rbac;

/// One Envoy with all variants of a scenario.
pub fn config(scenario: &Scenario) -> Config {
    with_variants(scenario, &scenario.variants.iter().collect::<Vec<_>>())
}

/// One Envoy with some variants of a scenario.
pub fn with_variants(scenario: &Scenario, variants: &[&Variant]) -> Config {
    let mut listeners: Vec<Value> = variants.iter().map(|variant| listener(variant)).collect();
    let mut clusters = scenario.clusters.clone();
    let mut extensions = json!([]);
    if let Some(principal) = &scenario.peer {
        let peer = Peer::new(principal);
        let outer: Vec<Value> = listeners
            .iter_mut()
            .map(|inner| peer.before(inner))
            .collect();
        listeners.extend(outer);
        clusters.extend(variants.iter().map(|variant| peer.cluster(&variant.name)));
        extensions = peer::extensions();
    }
    Config::from_value(json!({
        "static_resources": {"listeners": listeners, "clusters": clusters},
        "bootstrap_extensions": extensions,
    }))
}

fn listener(variant: &Variant) -> Value {
    let mut filters: Vec<Value> = variant
        .http_filters
        .iter()
        .enumerate()
        .flat_map(|(index, filter)| match Module::read(filter) {
            Some(Ok(module)) => vec![wasm(&module, &format!("{}-{index}", variant.name))],
            // What is written wrongly was refused when the scenario was read.
            Some(Err(_)) => vec![filter.clone()],
            None => native(filter).unwrap_or_else(|| {
                vec![repeat::expanded(filter).unwrap_or_else(|_| filter.clone())]
            }),
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
            "access_log": variant.access_log,
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

/// Envoy's own filters for the configuration of one of ours: `{rbac: {policies: …}}`.
fn native(filter: &Value) -> Option<Vec<Value>> {
    let policies = repeat::expanded(filter.get("rbac")?).ok()?;
    let filters = rbac::filters(&policies).ok()?.into_iter();
    let typed = |fields| {
        typed(
            &format!("envoy.extensions.filters.http.{}", rbac::MESSAGE),
            fields,
        )
    };
    Some(
        filters
            .map(|fields| json!({"name": rbac::FILTER, "typed_config": typed(fields)}))
            .collect(),
    )
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
                json!({"value": module.configuration()}),
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
        for mut scenario in files::all().unwrap() {
            for variant in &mut scenario.variants {
                // The shape is what counts here, not ten thousand of a kind.
                for filter in &mut variant.http_filters {
                    *filter = repeat::sample(filter).unwrap();
                }
            }
            let config = config(&scenario);
            let listeners = config.value()["static_resources"]["listeners"].clone();
            let listeners = listeners.as_array().unwrap();
            let each = if scenario.peer.is_some() { 2 } else { 1 };
            assert_eq!(listeners.len(), scenario.variants.len() * each);
            for (listener, variant) in listeners.iter().zip(&scenario.variants) {
                let manager = &listener["filter_chains"][0]["filters"][0]["typed_config"];
                let filters = manager["http_filters"].as_array().unwrap();
                assert_eq!(filters.len(), variant.http_filters.len() + 1);
                assert_eq!(filters.last().unwrap()["name"], "envoy.filters.http.router");
                assert!(
                    filters
                        .iter()
                        .all(|filter| filter.get("typed_config").is_some())
                );
            }
        }
    }
}
