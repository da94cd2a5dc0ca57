//! The rules that a schema cannot say: those of `x-kubernetes-validations`, for the fields that our resources
//! use, and those that Istio's own validation adds.

use std::collections::BTreeSet;

use serde_json::Value;

/// What of these rules a resource of a kind breaks.
pub(super) fn broken(kind: &str, resource: &Value) -> Vec<String> {
    let spec = &resource["spec"];
    let mut broken = Vec::new();
    match kind {
        "EnvoyFilter" => at_most_one(spec, &["workloadSelector", "targetRefs"], &mut broken),
        "WasmPlugin" => {
            at_most_one(spec, &["selector", "targetRef", "targetRefs"], &mut broken);
            loaded(spec, &mut broken);
        }
        "TrafficExtension" => {
            at_most_one(spec, &["selector", "targetRefs"], &mut broken);
            loaded(&spec["wasm"], &mut broken);
        }
        "ServiceEntry" => at_most_one(spec, &["workloadSelector", "endpoints"], &mut broken),
        "EnvoyExtensionPolicy" => extension(spec, &mut broken),
        "EnvoyProxy" => proxy(spec, &mut broken),
        _ => {}
    }
    broken
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn at_most_one(spec: &Value, fields: &[&str], broken: &mut Vec<String>) {
    let there: Vec<&str> = fields
        .iter()
        .copied()
        .filter(|field| !spec[field].is_null())
        .collect();
    if there.len() > 1 {
        broken.push(format!("`/spec`: only one of {} may be", there.join(", ")));
    }
}

/// How Istio's agent is to get at a module.
fn loaded(wasm: &Value, broken: &mut Vec<String>) {
    let url = wasm["url"].as_str().unwrap_or_default();
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    if !scheme.is_some_and(|scheme| ["oci", "http", "https", "file"].contains(&scheme)) {
        broken.push(format!("`{url}`: no scheme of oci, http, https and file"));
    }
    let mut names = BTreeSet::new();
    for variable in items(&wasm["vmConfig"]["env"]) {
        if !names.insert(variable["name"].as_str()) {
            broken.push(format!("`vmConfig.env`: {} twice", variable["name"]));
        }
        if variable["valueFrom"] == "HOST" && !variable["value"].is_null() {
            broken.push(format!("`vmConfig.env`: a value beside HOST in {variable}"));
        }
    }
}

/// Envoy Gateway's policy: what it is for, and where each module comes from.
fn extension(spec: &Value, broken: &mut Vec<String>) {
    let there = |field: &str| !spec[field].is_null();
    if there("targetRef") == there("targetRefs") && !there("targetSelectors") {
        broken.push("`/spec`: either targetRef or targetRefs".to_owned());
    }
    let kinds = [
        "Gateway",
        "ListenerSet",
        "HTTPRoute",
        "GRPCRoute",
        "TCPRoute",
        "UDPRoute",
        "TLSRoute",
    ];
    let one = Some(&spec["targetRef"]).filter(|target| !target.is_null());
    for target in items(&spec["targetRefs"]).chain(one) {
        let kind = target["kind"].as_str().unwrap_or_default();
        if target["group"] != "gateway.networking.k8s.io" || !kinds.contains(&kind) {
            broken.push(format!("a policy cannot be for {target}"));
        }
        if there("mergeType") && !kind.ends_with("Route") {
            broken.push(format!("`mergeType` is for routes, not for `{kind}`"));
        }
    }
    if spec["mergeType"] == "Replace" {
        broken.push("`mergeType`: not Replace".to_owned());
    }
    for wasm in items(&spec["wasm"]) {
        let code = &wasm["code"];
        for (kind, field) in [("HTTP", "http"), ("Image", "image")] {
            if (code["type"] == kind) == code[field].is_null() {
                broken.push(format!("`{field}` goes with `type: {kind}`: {code}"));
            }
        }
        let secret = &code["image"]["pullSecretRef"]["kind"];
        if !secret.is_null() && secret != "Secret" {
            broken.push("`pullSecretRef` is a Secret".to_owned());
        }
    }
}

/// Envoy Gateway's proxy: a bootstrap or a log that is said one way.
fn proxy(spec: &Value, broken: &mut Vec<String>) {
    let bootstrap = &spec["bootstrap"];
    if !bootstrap.is_null() {
        let patches = items(&bootstrap["jsonPatches"]).count();
        let said = match bootstrap["type"].as_str() {
            Some("JSONPatch") => patches > 0,
            _ => !bootstrap["value"].is_null(),
        };
        if !said {
            broken.push("`/spec/bootstrap`: nothing of the type that it names".to_owned());
        }
    }
    for setting in items(&spec["telemetry"]["accessLog"]["settings"]) {
        let format = &setting["format"];
        let (text, json) = (!format["text"].is_null(), !format["json"].is_null());
        let one = match format["type"].as_str() {
            Some("Text") => text && !json,
            Some("JSON") => json && !text,
            _ => text || json,
        };
        if !format.is_null() && !one {
            broken.push(format!("an access log of another format: {format}"));
        }
    }
}
