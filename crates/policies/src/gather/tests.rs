use sdk_helpers::ConfigError;

use super::*;
use crate::{Keys, Selection};

fn documents(text: &str) -> Vec<Document> {
    Document::read_text("a.yaml", text).unwrap()
}

const POLICIES: &str = "\
apiVersion: v1
kind: List
items:
- apiVersion: security.istio.io/v1
  kind: AuthorizationPolicy
  metadata: {name: one, namespace: shop}
  spec:
    rules: [{}]
- apiVersion: security.istio.io/v1
  kind: AuthorizationPolicy
  metadata: {name: two, namespace: other}
  spec:
    rules: [{}]
---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: tokens, namespace: shop}
spec:
  jwtRules:
  - issuer: a
    jwksUri: https://a/keys
---
kind: Pod
---
kind: Pod
---
rateLimit:
  limits: [{name: l, requests: 1, per: 1s}]
---
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
spec: {meshConfig: {trustDomain: mesh.example, trustDomainAliases: [old], pathNormalization: {normalization: NONE}}}
";

#[test]
fn all_of_it_is_one_configuration() {
    let documents = documents(POLICIES);
    let gathered = gather(&documents, &Settings::default()).unwrap();
    assert_eq!(gathered.mesh.path_normalization.as_deref(), Some("NONE"));
    let own = json!({"trustDomain": "mesh.example", "trustDomainAliases": ["old"]});
    assert_eq!(gathered.tree["authorizationPolicy"], own);
    assert_eq!(gathered.tree["rateLimit"]["limits"][0]["name"], "l");
    let names: Vec<_> = gathered.tree["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["metadata"]["name"])
        .collect();
    assert_eq!(names, ["one", "two", "tokens"]);
    assert_eq!(gathered.notes[0], "a.yaml:23:1: kind `Pod` is passed over");
    assert!(gathered.notes[1].starts_with("no workload is named"));
    assert!(gathered.notes[2].starts_with("the keys of `a` are not fetched"));
    assert_eq!(gathered.notes.len(), 3);
}

#[test]
fn a_problem_is_told_where_it_was_written() {
    let documents = documents(POLICIES);
    let gathered = gather(&documents, &Settings::default()).unwrap();
    for (at, expected) in [
        (
            "resources[1].spec.rules[0].to",
            "a.yaml:13:13: items[1].spec.rules[0].to: x",
        ),
        (
            "resources[2].spec.jwtRules[0].issuer",
            "a.yaml:20:13: spec.jwtRules[0].issuer: x",
        ),
        (
            "rateLimit.limits[0].per",
            "a.yaml:28:40: rateLimit.limits[0].per: x",
        ),
        (
            "authorizationPolicy.trustDomain",
            "authorizationPolicy.trustDomain: x",
        ),
        ("", "x"),
    ] {
        let error = ConfigError {
            at: at.to_owned(),
            problem: "x".to_owned(),
        };
        assert_eq!(gathered.locate(&error).to_string(), expected, "{at}");
    }
}

#[test]
fn a_workload_has_its_own_policies() {
    let documents = documents(POLICIES);
    let settings = Settings {
        selection: Some(Selection {
            namespace: "shop".to_owned(),
            ..Selection::default()
        }),
        trust_domain: Some("said".to_owned()),
        keys: vec![Keys {
            issuer: None,
            jwks: "{}".to_owned(),
        }],
        ..Settings::default()
    };
    let gathered = gather(&documents, &settings).unwrap();
    let names: Vec<_> = gathered.tree["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["metadata"]["name"])
        .collect();
    assert_eq!(names, ["one", "tokens"]);
    assert_eq!(
        gathered.tree["resources"][1]["spec"]["jwtRules"],
        json!([{"issuer": "a", "jwks": "{}"}])
    );
    assert_eq!(gathered.tree["authorizationPolicy"]["trustDomain"], "said");
    assert_eq!(gathered.notes.len(), 1);
}

#[test]
fn keys_that_nobody_fetches_are_noted() {
    let documents = documents(
        "kind: RequestAuthentication\nspec: {jwtRules: [{issuer: a, jwksUri: https://a/}]}",
    );
    let notes = |keys_are_fetched| {
        let settings = Settings {
            keys_are_fetched,
            ..Settings::default()
        };
        gather(&documents, &settings).unwrap().notes
    };
    assert!(notes(false)[0].starts_with("the keys of `a` are not fetched"));
    assert!(notes(true).is_empty());
}

#[test]
fn a_bare_configuration_needs_its_filters_name() {
    let documents = documents("limits: [{name: l, requests: 1, per: 1s}]");
    let problem = gather(&documents, &Settings::default()).unwrap_err();
    assert_eq!(
        problem.to_string(),
        "there is no policy among these documents; one filter's configuration by itself needs `--filter NAME`"
    );
    let settings = Settings {
        filter: Some(catalog::find("rate-limit").unwrap()),
        ..Settings::default()
    };
    let gathered = gather(&documents, &settings).unwrap();
    assert_eq!(
        gathered.tree,
        json!({"rateLimit": {"limits": [{"name": "l", "requests": 1, "per": "1s"}]}})
    );
    let error = ConfigError {
        at: "rateLimit.limits[0].per".to_owned(),
        problem: "x".to_owned(),
    };
    assert_eq!(
        gathered.locate(&error).to_string(),
        "a.yaml:1:38: limits[0].per: x"
    );
}

#[test]
fn a_part_stands_once() {
    let documents = documents("rateLimit: {}\n---\nrateLimit: {}\n");
    let problem = gather(&documents, &Settings::default()).unwrap_err();
    assert_eq!(
        problem.to_string(),
        "a.yaml:3:12: rateLimit: `rateLimit` stands at a.yaml:1:12 too, and there can be one; put them together, or name one of their workloads with `--namespace` and `--labels`"
    );
}

/// The same limit in all that loads a module, for pods with a label each.
const HOLDERS: &str = "\
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: one, namespace: shop}
spec:
  workloadSelector: {labels: {app: a}}
  configPatches:
  - applyTo: HTTP_FILTER
    patch:
      operation: INSERT_BEFORE
      value:
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
          config:
            root_id: rate-limit
            configuration:
              '@type': type.googleapis.com/google.protobuf.Struct
              value: {limits: [{name: filter, requests: 1, per: 1s}]}
---
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {name: two, namespace: shop}
spec:
  selector: {matchLabels: {app: b}}
  url: oci://registry.example/mesh-filters:0.1.0
  pluginConfig:
    rateLimit: {limits: [{name: plugin, requests: 1, per: 1s}]}
    resources:
    - {apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: p, namespace: other}, spec: {rules: [{}]}}
---
apiVersion: extensions.istio.io/v1alpha1
kind: TrafficExtension
metadata: {name: three, namespace: shop}
spec:
  selector: {matchLabels: {app: c}}
  wasm: {pluginName: rate-limit, url: 'oci://registry.example/x', pluginConfig: {limits: [{name: extension, requests: 1, per: 1s}]}}
";

#[test]
fn configurations_are_found_in_what_loads_a_module() {
    let documents = documents(HOLDERS);
    let of = |label: &str| {
        let settings = Settings {
            selection: Some(Selection {
                namespace: "shop".to_owned(),
                labels: [("app".to_owned(), label.to_owned())].into(),
            }),
            ..Settings::default()
        };
        gather(&documents, &settings).unwrap()
    };
    for (label, name, place) in [
        (
            "a",
            "filter",
            "a.yaml:17:39: spec.configPatches[0].patch.value.typed_config.config.configuration.value.limits[0].name: x",
        ),
        (
            "b",
            "plugin",
            "a.yaml:26:33: spec.pluginConfig.rateLimit.limits[0].name: x",
        ),
        (
            "c",
            "extension",
            "a.yaml:35:98: spec.wasm.pluginConfig.limits[0].name: x",
        ),
    ] {
        let gathered = of(label);
        assert_eq!(gathered.tree["rateLimit"]["limits"][0]["name"], name);
        assert_eq!(gathered.notes, [""; 0], "{label}");
        let error = ConfigError {
            at: "rateLimit.limits[0].name".to_owned(),
            problem: "x".to_owned(),
        };
        assert_eq!(gathered.locate(&error).to_string(), place);
    }
    // What stands in a configuration is in force there, wherever it says it belongs.
    assert_eq!(
        of("b").tree["resources"][0]["metadata"]["namespace"],
        "other"
    );
    let none = of("d");
    assert_eq!(none.tree, json!({}));
    assert_eq!(
        none.notes,
        ["no policy is for this workload, so every request passes"]
    );
    let problem = gather(&documents, &Settings::default()).unwrap_err();
    assert!(problem.problem.contains("put them together"), "{problem}");
}

#[test]
fn a_bootstrap_holds_configurations_for_whoever_starts_it() {
    let documents = documents(
        "static_resources: {listeners: [{filters: [{typed_config: {'@type': x/envoy.extensions.filters.http.wasm.v3.Wasm, \
         config: {vm_config: {code: {local: {filename: dist/rate-limit.wasm}}}, configuration: \
         {'@type': type.googleapis.com/google.protobuf.StringValue, value: '{\"limits\": []}'}}}}]}]}",
    );
    let selection = Some(Selection::default());
    let settings = Settings {
        selection,
        ..Settings::default()
    };
    let gathered = gather(&documents, &settings).unwrap();
    assert_eq!(gathered.tree, json!({"rateLimit": {"limits": []}}));
}
