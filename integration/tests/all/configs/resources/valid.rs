//! Every resource as a cluster takes it: by the schemas of Istio, Envoy Gateway and Kubernetes, no field unknown.

use std::collections::BTreeSet;

use integration::demo::Shipped;
use integration::schemas::Kinds;
use integration::schemas::reduced::OF_ISTIO;
use istio::EnvoyFilter;
use serde_json::{Map, Value, json};

use super::{documents, files, istio};

/// Fields below which anything may stand.
const OPEN: [&str; 4] = ["/pluginConfig", "/config", "/patch/value", "/jsonPatches"];

#[test]
fn every_resource_is_valid() {
    let kinds = Kinds::read();
    let mut used = BTreeSet::new();
    for file in files() {
        let documents = documents(&file);
        assert!(!documents.is_empty(), "{}", file.path());
        for document in documents {
            assert_eq!(kinds.problems(&document), [""; 0], "{}", file.path());
            used.insert(kinds.name_of(&document).unwrap().to_owned());
        }
    }
    // Those that the program has are of what others apply.
    let is_of_program = |name: &&str| OF_ISTIO.iter().any(|(kind, _)| kind == name);
    let idle = kinds
        .names()
        .into_iter()
        .filter(|name| !used.contains(*name));
    let idle: Vec<&str> = idle.filter(|name| !is_of_program(name)).collect();
    assert_eq!(idle, [""; 0], "a schema without a resource");
}

/// What stands as text in an annotation, or in a ConfigMap that patches a Deployment.
#[test]
fn what_stands_as_text_is_valid() {
    let kinds = Kinds::read();
    let mut seen = 0;
    for file in files() {
        for document in documents(&file) {
            let patch = document["data"]["deployment"].as_str();
            let patch: Option<Value> = patch.map(|text| serde_saphyr::from_str(text).unwrap());
            let mut held = annotated(patch.as_ref().unwrap_or(&document));
            held.extend(patch);
            seen += held.len();
            for value in held {
                assert_eq!(kinds.problems(&value), [""; 0], "{}", file.path());
            }
        }
    }
    assert!(seen >= 9, "{seen}");
}

/// What the annotations of a patch hold, each where a schema looks for it.
fn annotated(patch: &Value) -> Vec<Value> {
    let annotations = &patch["spec"]["template"]["metadata"]["annotations"];
    let said = |name: &str| annotations[name].as_str();
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let wrapped = |pod: Value| json!({"spec": {"template": {"spec": pod}}});
    let volumes = said("sidecar.istio.io/userVolume");
    let mounts = said("sidecar.istio.io/userVolumeMount");
    let config = said("proxy.istio.io/config");
    let held = [
        volumes.map(|text| wrapped(json!({"volumes": json(text)}))),
        mounts.map(|text| {
            let proxy = json!({"name": "istio-proxy", "volumeMounts": json(text)});
            wrapped(json!({"containers": [proxy]}))
        }),
        config.map(|text| {
            let config: Value = serde_saphyr::from_str(text).unwrap();
            json!({"meshConfig": {"defaultConfig": config}})
        }),
    ];
    held.into_iter().flatten().collect()
}

#[test]
fn istiod_takes_every_envoy_filter_without_a_warning() {
    let mut count = 0;
    for file in files() {
        let documents = documents(&file);
        if documents
            .iter()
            .all(|document| document["kind"] != "EnvoyFilter")
        {
            continue;
        }
        let filters = EnvoyFilter::parse_all(file.text()).unwrap();
        assert_eq!(filters.len(), documents.len(), "{}", file.path());
        for filter in filters {
            count += 1;
            assert_eq!(filter.warnings, [""; 0], "{}", file.path());
        }
    }
    assert!(count >= 11, "{count}");
}

/// Every field of every resource, misspelt: the check is one that can fail, at each level.
#[test]
fn a_field_that_is_misspelt_is_refused_at_each_level() {
    let kinds = Kinds::read();
    let mut tried = 0;
    for file in files() {
        for document in documents(&file) {
            let mut paths = Vec::new();
            fields(&document, String::new(), &mut paths);
            for (object, field) in paths {
                let mut changed = document.clone();
                let object = changed.pointer_mut(&object).unwrap();
                let object = object.as_object_mut().unwrap();
                let value = object.remove(&field).unwrap();
                object.insert(format!("{field}x"), value);
                let problems = kinds.problems(&changed);
                assert!(!problems.is_empty(), "{}: {field}x", file.path());
                tried += 1;
            }
        }
    }
    assert!(tried > 300, "{tried}");
}

/// Every object and its fields, but for those whose names are anybody's.
fn fields(value: &Value, at: String, found: &mut Vec<(String, String)>) {
    if OPEN.iter().any(|open| at.ends_with(open)) {
        return;
    }
    let named = |place: &Map<String, Value>| place.keys().cloned().collect::<Vec<_>>();
    match value {
        Value::Object(object) => {
            let free = [
                "labels",
                "annotations",
                "matchLabels",
                "data",
                "json",
                "template/metadata/labels",
            ];
            let free = free.iter().any(|name| at.ends_with(&format!("/{name}")));
            for field in named(object) {
                let path = format!("{at}/{}", field.replace('~', "~0").replace('/', "~1"));
                if !free {
                    found.push((at.clone(), field.clone()));
                }
                fields(&object[&field], path, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                fields(item, format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// A value in the place of one of a file's first resource.
#[test]
fn a_value_that_cannot_be_is_refused() {
    let kinds = Kinds::read();
    let refused = [
        (
            "istio/mesh-filters",
            "/apiVersion",
            json!("networking.istio.io/v1"),
        ),
        (
            "istio/mesh-filters",
            "/metadata/name",
            json!("Mesh_Filters"),
        ),
        (
            "istio/mesh-filters",
            "/spec/configPatches/0/applyTo",
            json!("FILTER"),
        ),
        (
            "istio/mesh-filters",
            "/spec/configPatches/0/match/context",
            json!("SIDECAR"),
        ),
        (
            "istio/mesh-filters",
            "/spec/configPatches/0/patch/operation",
            json!("INSERT"),
        ),
        (
            "istio/mesh-filters",
            "/spec/workloadSelector/labels/app",
            json!(["orders"]),
        ),
        // Beside the selector.
        (
            "istio/mesh-filters",
            "/spec/targetRefs",
            json!([{"kind": "Gateway", "name": "a"}]),
        ),
        (
            "istio/mesh-filters-wasmplugin",
            "/spec/phase",
            json!("UNSPECIFIED"),
        ),
        (
            "istio/mesh-filters-wasmplugin",
            "/spec/priority",
            json!("10"),
        ),
        (
            "istio/mesh-filters-wasmplugin",
            "/spec/failStrategy",
            json!("FAIL_CLOSED"),
        ),
        (
            "istio/mesh-filters-wasmplugin",
            "/spec/match/0/mode",
            json!("INBOUND"),
        ),
        (
            "istio/mesh-filters-wasmplugin",
            "/spec/sha256",
            json!("sha256:00"),
        ),
        ("istio/mesh-filters-wasmplugin", "/spec/url", json!("")),
        (
            "istio/mesh-filters-wasmplugin",
            "/spec/url",
            json!("registry.example/a:1"),
        ),
        (
            "istio/mesh-filters-wasmplugin",
            "/spec/pluginConfig",
            json!("limits: []"),
        ),
        (
            "istio/mesh-filters-wasmplugin",
            "/spec/targetRefs",
            json!([{"kind": "Service", "name": "a"}]),
        ),
        (
            "istio/mesh-filters-wasmplugin",
            "/spec/vmConfig",
            json!({"env": [{"name": "A", "valueFrom": "HOST", "value": "1"}]}),
        ),
        (
            "istio/mesh-filters-wasmplugin",
            "/spec/vmConfig",
            json!({"env": [{"name": "A"}, {"name": "A"}]}),
        ),
        (
            "istio/mesh-filters-trafficextension",
            "/spec/phase",
            json!("UNSPECIFIED_PHASE"),
        ),
        (
            "istio/mesh-filters-trafficextension",
            "/spec/lua",
            json!({"inlineCode": "-- words"}),
        ),
        (
            "istio/mesh-filters-trafficextension",
            "/spec/wasm",
            json!(null),
        ),
        (
            "istio/mesh-filters-trafficextension-gateway",
            "/spec/selector",
            json!({"matchLabels": {}}),
        ),
        (
            "istio/issuer",
            "/spec/hosts",
            json!("raw.githubusercontent.com"),
        ),
        ("istio/issuer", "/spec/resolution", json!("DNS_FIRST")),
        ("istio/all-labels", "/data/custom_bootstrap.json", json!({})),
        (
            "istio/mesh-filters-gateway-pods",
            "/spec/template/spec/volumes/0/configMap",
            json!({"name": "both"}),
        ),
        (
            "istio/mesh-filters-gateway-pods",
            "/spec/template/spec/containers/0/env/0/value",
            json!(1),
        ),
        (
            "istio/mesh-config",
            "/meshConfig/accessLogEncoding",
            json!("YAML"),
        ),
        (
            "gateway/mesh-filters",
            "/spec/targetRefs/0/kind",
            json!("Service"),
        ),
        (
            "gateway/mesh-filters",
            "/spec/targetRefs/0/group",
            json!("gateway.envoyproxy.io"),
        ),
        ("gateway/mesh-filters", "/spec/targetRefs", json!(null)),
        (
            "gateway/mesh-filters",
            "/spec/wasm/0/failOpen",
            json!("false"),
        ),
        (
            "gateway/mesh-filters",
            "/spec/wasm/0/code/type",
            json!("ConfigMap"),
        ),
        (
            "gateway/mesh-filters",
            "/spec/wasm/0/code/type",
            json!("HTTP"),
        ),
        (
            "gateway/mesh-filters-http",
            "/spec/mergeType",
            json!("StrategicMerge"),
        ),
        (
            "gateway/mesh-filters-http",
            "/spec/wasm/0/code/http/url",
            json!(null),
        ),
        (
            "gateway/envoy-proxy",
            "/spec/bootstrap/type",
            json!("Merge"),
        ),
        (
            "gateway/envoy-proxy",
            "/spec/bootstrap/jsonPatches/0/op",
            json!("append"),
        ),
        (
            "gateway/envoy-proxy",
            "/spec/telemetry/accessLog/settings/0/format/type",
            json!("Text"),
        ),
    ];
    for (file, pointer, value) in refused {
        let shipped = Shipped::read(&format!("envoy-configs/{file}.yaml"));
        let mut document = documents(&shipped).remove(0);
        assert_eq!(kinds.problems(&document), [""; 0], "{file}");
        let (object, field) = pointer.rsplit_once('/').unwrap();
        document.pointer_mut(object).unwrap()[field] = value.clone();
        let problems = kinds.problems(&document);
        assert!(!problems.is_empty(), "{file} {pointer}: {value}");
    }
    let unknown = json!({"apiVersion": "v1", "kind": "Secret"});
    let problems = kinds.problems(&unknown);
    assert_eq!(problems, ["no schema is known of `Secret` of `v1`"]);
}

/// The mesh's configuration keeps what each pod's would.
#[test]
fn the_mesh_keeps_the_statistics_that_pods_name() {
    let prefixes = |config: &Value| -> BTreeSet<String> {
        let list = config["proxyStatsMatcher"]["inclusionPrefixes"].as_array();
        let list = list.unwrap().iter();
        list.map(|prefix| prefix.as_str().unwrap().to_owned())
            .collect()
    };
    let mesh = documents(&istio("mesh-config")).remove(0);
    let kept = prefixes(&mesh["meshConfig"]["defaultConfig"]);
    let mut named = BTreeSet::new();
    for pods in ["mesh-filters-pods", "all-pods", "mesh-filters-gateway-pods"] {
        let patch = documents(&istio(pods)).remove(0);
        let annotations = &patch["spec"]["template"]["metadata"]["annotations"];
        let config = annotations["proxy.istio.io/config"].as_str().unwrap();
        named.extend(prefixes(&serde_saphyr::from_str(config).unwrap()));
    }
    assert_eq!(kept, named);
}

/// Labels are made of the same names in Istio and in Envoy Gateway.
#[test]
fn both_make_labels_of_our_names_alike() {
    let map = documents(&istio("all-labels")).remove(0);
    let text = map["data"]["custom_bootstrap.json"].as_str().unwrap();
    let bootstrap: Value = serde_json::from_str(text).unwrap();
    let tags = bootstrap["stats_config"]["stats_tags"].as_array().unwrap();
    let proxy = documents(&Shipped::read("envoy-configs/gateway/envoy-proxy.yaml")).remove(0);
    let patches = proxy["spec"]["bootstrap"]["jsonPatches"]
        .as_array()
        .unwrap();
    assert_eq!(patches.len(), 2);
    for patch in patches {
        assert!(tags.contains(&patch["value"]), "{patch}");
    }
}
