//! What pages show and apply as YAML: read as whoever gets it will read it.

use istio::EnvoyFilter;
use sdk_helpers::world::fake::FakeWorld;
use serde_json::{Map, Value};

use super::embedded;

/// Where a Deployment says what its pods are.
const TEMPLATE: &str = "/spec/template";
/// The filter that a page has its reader write: it has a test of its own.
const EXAMPLE: &str = "header-gate";
/// Where each kind of a resource has a configuration of ours: the field with the module's name, and the one
/// with what it is configured with.
const PLUGINS: [(&str, &str, &str, &str); 3] = [
    ("WasmPlugin", "/spec", "pluginName", "pluginConfig"),
    (
        "TrafficExtension",
        "/spec/wasm",
        "pluginName",
        "pluginConfig",
    ),
    ("EnvoyExtensionPolicy", "/spec/wasm/0", "rootID", "config"),
];

/// Every document of a text.
#[track_caller]
pub(super) fn read(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

/// A document that a page shows, or that one of its commands hands over.
#[track_caller]
pub(super) fn check(document: &Value) {
    if document["kind"] == "EnvoyFilter" {
        let filter = EnvoyFilter::parse(&document.to_string()).unwrap();
        assert_eq!(filter.warnings, [""; 0], "{document}");
    }
    let annotations = format!("{TEMPLATE}/metadata/annotations");
    if let Some(Value::Object(annotations)) = document.pointer(&annotations) {
        check_annotations(annotations);
    }
    let plugins = embedded::all(document);
    for found in plugins.iter().filter(|found| found.filter != EXAMPLE) {
        loads(&found.filter, &found.config);
    }
    for (kind, place, name, config) in PLUGINS {
        if document["kind"] != kind {
            continue;
        }
        let plugin = document.pointer(place);
        let plugin = plugin.unwrap_or_else(|| panic!("no {place} in {document}"));
        loads(plugin[name].as_str().expect(name), &plugin[config]);
    }
}

/// What `kubectl apply` is given.
#[track_caller]
pub(super) fn check_applied(text: &str) {
    let documents = read(text);
    assert!(!documents.is_empty(), "nothing is applied");
    for document in documents {
        for field in ["/apiVersion", "/kind", "/metadata/name"] {
            assert!(
                document.pointer(field).is_some(),
                "no {field} in {document}"
            );
        }
        check(&document);
    }
}

/// What `kubectl patch` is given for a Deployment.
#[track_caller]
pub(super) fn check_patches(text: &str) {
    let documents = read(text);
    let [patch] = &documents[..] else {
        panic!("one patch, and not {text}");
    };
    assert!(patch.pointer(TEMPLATE).is_some(), "{text}");
    check(patch);
}

/// Annotations of pods: some are JSON in text, which nobody looks into before a pod is made.
#[track_caller]
fn check_annotations(annotations: &Map<String, Value>) {
    for (name, value) in annotations {
        let value = value
            .as_str()
            .unwrap_or_else(|| panic!("{name} is no text"));
        if name.starts_with("sidecar.istio.io/userVolume") {
            let list: Vec<Value> = serde_json::from_str(value).unwrap();
            assert!(list.iter().all(|it| it["name"].is_string()), "{value}");
        }
    }
}

#[track_caller]
fn loads(filter: &str, config: &Value) {
    let found = catalog::find(filter).unwrap_or_else(|problem| panic!("{problem}"));
    match found.load(config.to_string().as_bytes(), &FakeWorld::new()) {
        Ok(loaded) => assert_eq!(loaded.warnings(), [], "{config}"),
        Err(errors) => panic!("{errors:#?}\n{config}"),
    }
}

#[test]
fn what_is_wrong_is_seen() {
    let wrong = |text: &str, check: fn(&str)| {
        std::panic::catch_unwind(|| check(text)).expect_err(text);
    };
    let plugin = "apiVersion: a\nkind: WasmPlugin\nmetadata: {name: a}\nspec: {pluginName: rate-limit, pluginConfig: ";
    check_applied(&format!(
        "{plugin}{{limits: [{{name: a, requests: 1, per: 1s}}]}}}}"
    ));
    wrong(&format!("{plugin}{{limit: []}}}}"), check_applied);
    wrong("kind: ConfigMap\nmetadata: {name: a}", check_applied);
    wrong("", check_applied);
    let patch = "spec: {template: {metadata: {annotations: {sidecar.istio.io/userVolume: ";
    check_patches(&format!("{patch}'[{{\"name\": \"a\"}}]'}}}}}}}}"));
    wrong(&format!("{patch}'[{{name: a}}]'}}}}}}}}"), check_patches);
    wrong("spec: {replicas: 1}", check_patches);
}
