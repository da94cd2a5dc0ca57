//! What WasmPlugins, TrafficExtensions and Envoy Gateway's policies hand to a module: in its own code, and the same
//! as far as they are the same.

use std::collections::BTreeMap;

use integration::schemas::Kinds;
use sdk_helpers::world::fake::FakeWorld;
use serde_json::{Value, json};

use super::{documents, files, istio};
use crate::configs::istio_all::FILTERS;

/// A module as a resource loads it.
struct Loaded {
    module: String,
    config: Value,
    failure: Value,
    image: String,
}

/// Those of a document.
fn loaded(document: &Value) -> Vec<Loaded> {
    let spec = &document["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of_istio = |wasm: &Value| Loaded {
        module: text(&wasm["pluginName"]),
        config: wasm["pluginConfig"].clone(),
        failure: wasm["failStrategy"].clone(),
        image: text(&wasm["url"]),
    };
    match document["kind"].as_str() {
        Some("WasmPlugin") => vec![of_istio(spec)],
        Some("TrafficExtension") => vec![of_istio(&spec["wasm"])],
        Some("EnvoyExtensionPolicy") => {
            let listed = spec["wasm"].as_array().unwrap().iter();
            let listed = listed.map(|wasm| Loaded {
                module: text(&wasm["rootID"]),
                config: wasm["config"].clone(),
                failure: wasm["failOpen"].clone(),
                image: text(&wasm["code"]["image"]["url"]),
            });
            listed.collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn every_configuration_loads_without_a_warning() {
    let mut count = 0;
    for file in files() {
        for plugin in documents(&file).iter().flat_map(loaded) {
            count += 1;
            let filter = catalog::find(&plugin.module).unwrap();
            match filter.load(plugin.config.to_string().as_bytes(), &FakeWorld::new()) {
                Ok(loaded) => assert_eq!(loaded.warnings(), [], "{}", file.path()),
                Err(errors) => panic!("{}: {errors:#?}", file.path()),
            }
        }
    }
    assert!(count >= 23, "{count}");
}

/// Images are of the module and of the version that this repository builds; what may be left out is open.
#[test]
fn images_and_failure_policies_are_those_of_the_module() {
    for file in files() {
        for plugin in documents(&file).iter().flat_map(loaded) {
            let module = &plugin.module;
            let image = format!("registry.example/{module}:{}", env!("CARGO_PKG_VERSION"));
            let images = [image.clone(), format!("oci://{image}"), String::new()];
            assert!(images.contains(&plugin.image), "{}", plugin.image);
            let optional = ["fault-injection", "telemetry-tags"].contains(&module.as_str());
            let policies = match optional {
                true => [json!("FAIL_OPEN"), json!(true)],
                false => [json!("FAIL_RELOAD"), json!(false)],
            };
            assert!(
                policies.contains(&plugin.failure),
                "{}: {module}",
                file.path()
            );
        }
    }
}

/// A TrafficExtension is the WasmPlugin of the same name, with what is of the module one level down.
#[test]
fn a_traffic_extension_is_its_wasm_plugin() {
    let down = ["url", "pluginName", "failStrategy", "pluginConfig"];
    for pair in [
        "mesh-filters-*",
        "mesh-filters-*-gateway",
        "mesh-filters-*-waypoint",
        "all-*",
    ] {
        let of = |kind: &str| documents(&istio(&pair.replace('*', kind)));
        let (plugins, extensions) = (of("wasmplugin"), of("trafficextension"));
        assert_eq!(plugins.len(), extensions.len(), "{pair}");
        for (mut plugin, extension) in plugins.into_iter().zip(extensions) {
            let spec = plugin["spec"].as_object_mut().unwrap();
            let wasm: BTreeMap<&str, Value> = down
                .iter()
                .map(|field| (*field, spec.remove(*field).unwrap()))
                .collect();
            spec.insert("wasm".to_owned(), json!(wasm));
            plugin["kind"] = json!("TrafficExtension");
            assert_eq!(plugin, extension, "{pair}");
        }
    }
}

/// The order that istiod makes of phase and priority.
#[test]
fn the_five_are_in_the_order_of_the_chain() {
    let phases = ["AUTHN", "AUTHZ", "STATS"];
    for kind in ["wasmplugin", "trafficextension"] {
        let mut order: Vec<(usize, i64, String)> = documents(&istio(&format!("all-{kind}")))
            .iter()
            .map(|document| {
                let spec = &document["spec"];
                let phase = phases.iter().position(|phase| spec["phase"] == *phase);
                let priority = spec["priority"].as_i64().unwrap();
                (phase.unwrap(), -priority, loaded(document).remove(0).module)
            })
            .collect();
        order.reverse();
        order.sort();
        let names: Vec<&str> = order.iter().map(|(_, _, name)| name.as_str()).collect();
        assert_eq!(names, FILTERS, "{kind}");
    }
}

/// What the README says of places: these lines are all that differs.
#[test]
fn each_plugin_goes_to_a_gateway_and_a_waypoint() {
    let kinds = Kinds::read();
    for kind in ["wasmplugin", "trafficextension"] {
        for place in ["gateway", "waypoint"] {
            let there = documents(&istio(&format!("mesh-filters-{kind}-{place}"))).remove(0);
            for mut plugin in documents(&istio(&format!("all-{kind}"))) {
                plugin["metadata"]["namespace"] = there["metadata"]["namespace"].clone();
                let spec = plugin["spec"].as_object_mut().unwrap();
                spec.remove("selector").unwrap();
                spec.remove("match").unwrap();
                for field in ["targetRefs", "match"] {
                    let value = there["spec"].get(field).cloned();
                    spec.extend(value.map(|value| (field.to_owned(), value)));
                }
                assert_eq!(kinds.problems(&plugin), [""; 0], "{kind} {place}");
            }
        }
    }
}
